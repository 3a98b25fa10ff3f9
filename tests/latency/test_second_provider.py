"""Providers other than the CPU's that really run: OpenVINO on Intel, WebGPU on a software Vulkan.

The adapter is SwiftShader, which is in the folder of Chromium with a Vulkan loader. CI installs
Chromium and the extras ``openvino`` and ``webgpu`` for this; without them the tests are skipped.
"""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from sepcost.errors import MeasurementError
from sepcost.latency import child, route, survey
from sepcost.latency.jobs import Job, Runtime
from sepcost.latency.measure import bench
from sepcost.latency.providers import PROVIDERS
from sepcost.latency.settings import Settings
from tests.latency.models import PRODUCTS, conv

ICD = "vk_swiftshader_icd.json"
#: Folders of Debian's Chromium, of others' and of Chrome.
BROWSERS = ("/usr/lib/chromium", "/usr/lib/chromium-browser", "/usr/lib64/chromium-browser",
            "/opt/google/chrome")  # fmt: skip


def software_adapter():
    """What lets the WebGPU plugin run without a GPU; skip where there is no software Vulkan."""
    folders = [folder for folder in BROWSERS if (Path(folder) / ICD).exists()]
    if not folders:
        pytest.skip(f"no Chromium with {ICD}, the software Vulkan, in {', '.join(BROWSERS)}")
    return {
        "VK_ICD_FILENAMES": f"{folders[0]}/{ICD}",
        "LD_LIBRARY_PATH": folders[0],
        "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER": "1",
    }


@pytest.fixture(params=["openvino", "webgpu"])
def name(request, monkeypatch):
    """A provider with a device. Where WebGPU has all that it needs, it must have one."""
    if find_spec(str(PROVIDERS[request.param].plugin)) is None:
        pytest.skip(f"no plugin: pip install 'sepcost[{request.param}]'")
    if request.param == "webgpu":
        for key, value in software_adapter().items():
            monkeypatch.setenv(key, value)
    (known,) = (one for one in survey.providers() if one.name == request.param)
    if request.param == "openvino" and survey.WITHOUT_DEVICE in known.get:
        pytest.skip("OpenVINO supports no device of this machine")
    assert known.usable, known.get
    assert known.devices
    return request.param


def settings(name, **changes):
    quick = Settings((name,), min_launches=1, max_launches=1, max_time_s=1.0, strict=True)
    return replace(quick, **changes)


def test_it_runs_every_node_in_several_sessions_and_agrees_with_the_cpu(name, write):
    (found,) = bench([write(conv())], settings(name)).models
    assert [part.provider for part in found.placement] == [name]
    assert found.differences
    assert all((d.relative_error or 0) < 1e-5 for d in found.differences)


def test_it_is_asked_for_by_its_name_though_its_plugin_is_listed(name):
    job = Job("peaks", runtime=Runtime((name,)), slice_s=0.1)
    found = child.execute(job, 120)
    assert found["macs_per_second"] > 0
    assert found["bytes_per_second"] > 0


def test_it_is_compared_with_the_model_before(name, write):
    models = [write(conv(), "before"), write(conv(16), "after")]
    found = bench(models, settings(name, min_launches=2, max_launches=2))
    assert [(pair.a, pair.b) for pair in found.comparisons] == [("before", "after")]
    assert [part.provider for model in found.models for part in model.placement] == [name, name]


def test_it_is_compared_with_the_cpu_side_by_side(name, write):
    asked = settings("cpu", beside=((name,),), min_launches=2, max_launches=2)
    found = bench([write(conv(), "m")], asked)
    assert [(pair.a, pair.b) for pair in found.comparisons] == [("m on cpu", f"m on {name}")]
    assert [part.provider for model in found.models for part in model.placement] == ["cpu", name]
    assert all((d.relative_error or 0) < 1e-5 for d in found.models[1].differences)


def test_a_node_that_it_cannot_run_falls_back_by_name(name, write):
    text = """mixed (float[1,2,2] x) => (float[1,2,2] y, float[1] t) {
        y = Relu (x)
        t = Det (x)
    }"""
    found = bench([write(text)], settings(name, strict=False)).models[0]
    assert {part.provider: part.nodes for part in found.placement} == {name: 1, "cpu": 1}
    assert any(f"1 of 2 nodes fell back to cpu from {name}: t" in w for w in found.warnings)
    with pytest.raises(MeasurementError, match="refused by --strict"):
        bench([write(text)], settings(name))


def test_a_model_of_which_it_can_run_nothing_is_refused(name, write):
    text = "det (float[1,2,2] x) => (float[1] y) { y = Det (x) }"
    asked = settings(name, strict=False)
    with pytest.raises(MeasurementError, match=f"{name} ran no node: all ran on cpu"):
        bench([write(text)], asked)
    found = bench([write(text)], replace(asked, allow_fallback=True)).models[0]
    assert [part.provider for part in found.placement] == ["cpu"]


def test_layers_are_timed_whole_or_not_shown(name, write):
    """A Loop that OpenVINO takes whole has the MACs inside it; WebGPU times launches only."""
    asked = settings(name, strict=False, layers=True)
    measured = route.measure([write(PRODUCTS).path], route.Sizes({}, {}), asked, None)
    (found,) = measured.models
    if name == "webgpu":
        assert found.layers == ()
        assert any("webgpu runs them asynchronously" in line for line in found.warnings)
    else:
        assert sum(row.macs or 0 for row in found.layers if row.kernel) == 5 * 16
        assert [part.share for part in found.placement] == [1.0]
