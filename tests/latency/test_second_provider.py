"""Providers other than the CPU's that really run: OpenVINO on Intel, WebGPU on a software Vulkan.

The adapter is SwiftShader, which lies in the folder of Debian's Chromium with a Vulkan loader.
CI installs the extras ``openvino`` and ``webgpu`` for this; what is not there is skipped.
"""

from functools import cache
from pathlib import Path

import pytest

from sepcost.latency import child, survey
from sepcost.latency.jobs import Job, Runtime
from sepcost.latency.measure import bench
from sepcost.latency.settings import Settings
from tests.latency.models import conv

SWIFTSHADER = Path("/usr/lib/chromium/vk_swiftshader_icd.json")
#: What lets the WebGPU plugin run without a GPU.
SOFTWARE = {
    "VK_ICD_FILENAMES": str(SWIFTSHADER),
    "LD_LIBRARY_PATH": str(SWIFTSHADER.parent),
    "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER": "1",
}


@cache
def usable(name):
    return any(one.usable for one in survey.providers() if one.name == name)


@pytest.fixture(params=["openvino", "webgpu"])
def name(request, monkeypatch):
    if request.param == "webgpu" and SWIFTSHADER.exists():
        for key, value in SOFTWARE.items():
            monkeypatch.setenv(key, value)
    if not usable(request.param):
        pytest.skip(f"no {request.param} provider with a device")
    return request.param


def settings(name, **changes):
    return Settings((name,), min_launches=1, max_launches=1, max_time_s=1.0, strict=True, **changes)


def test_it_runs_every_node_in_several_sessions_and_agrees_with_the_cpu(name, write):
    (found,) = bench([write(conv())], settings(name)).models
    assert [part.provider for part in found.placement] == [name]
    assert found.differences
    assert all((d.relative_error or 0) < 1e-5 for d in found.differences)


def test_it_is_listed_with_a_device_and_then_asked_for_by_its_name(name):
    (info,) = (one for one in survey.providers() if one.name == name)
    assert info.devices
    job = Job("peaks", runtime=Runtime((name,)), slice_s=0.1)
    assert child.execute(job, 120)["macs_per_second"] > 0
