"""Providers and peaks of the machine, reported by a fake child."""

from math import inf

import pytest

from sepcost.errors import MeasurementError, SepcostError
from sepcost.latency import machine, survey
from sepcost.latency.jobs import Runtime
from sepcost.latency.providers import PROVIDERS, provider
from sepcost.latency.results import Peaks
from sepcost.latency.settings import Progress, Settings


def told(name, *devices, plugin=True, reason=""):
    return {"provider": name, "devices": [*devices], "plugin": plugin, "reason": reason}


USABLE = [
    told("cpu", "CPU AMD", plugin=False),
    told("azure", plugin=False),
    told("qnn", "NPU Qualcomm"),
    told("webgpu"),
    told("nvrtx", reason="libcudart.so.12: no such file"),
]


@pytest.fixture
def child(monkeypatch, tmp_path):
    """Answer every job; the cache of peaks is in a test folder."""
    jobs = []

    def execute(job, timeout_s, on_stage=lambda _: None):
        jobs.append(job)
        on_stage({"stage": "measuring", "model": "the machine"})
        if job.task == "providers":
            return {"usable": USABLE, "onnxruntime": "1.2.3"}
        return {"macs_per_second": 2e9 + len(jobs), "bytes_per_second": 3e9}

    monkeypatch.setattr("sepcost.latency.child.execute", execute)
    monkeypatch.setattr(machine, "cache_file", lambda: tmp_path / "peaks.json")
    return jobs


def test_usable_providers_come_first_and_the_others_say_how_to_get_them(child):
    found = survey.providers()
    assert [(one.name, one.devices) for one in found if one.usable] == [
        ("cpu", ("CPU AMD",)),
        ("qnn", ("NPU Qualcomm",)),
        ("azure", ()),
    ]
    assert [one.usable for one in found] == [True] * 3 + [False] * (len(PROVIDERS) - 3)
    assert {one.name for one in found} == set(PROVIDERS)
    assert all(one.get for one in found if not one.usable)


def test_usable_providers_are_valid_option_values():
    for one in survey.providers():
        assert PROVIDERS[one.name] is provider(one.name)


def test_a_plugin_without_a_device_or_that_does_not_load_says_so(child):
    needs = {one.name: one.get for one in survey.providers()}
    assert "installed, but finds no supported device" in needs["webgpu"]
    assert "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER=1" in needs["webgpu"]
    assert needs["nvrtx"] == "installed, but cannot be loaded: libcudart.so.12: no such file"
    assert needs["openvino"] == PROVIDERS["openvino"].package


def test_a_plugin_that_ends_its_process_is_a_line_and_the_others_are_listed(monkeypatch):
    installed = {PROVIDERS[name].plugin for name in ("qnn", "ggml")}
    monkeypatch.setattr(survey, "find_spec", lambda name: name in installed or None)
    asked = []

    def execute(job, timeout_s):
        asked.append(job.runtime.providers)
        if "ggml" in job.runtime.providers:
            raise MeasurementError("crashed with SIGSEGV")
        plugins = [told("qnn", "NPU")] if "qnn" in job.runtime.providers else []
        return {"usable": [told("cpu", "CPU", plugin=False), *plugins]}

    monkeypatch.setattr("sepcost.latency.child.execute", execute)
    found = {one.name: one for one in survey.providers()}
    assert asked == [("cpu", "qnn", "ggml"), ("cpu",), ("cpu", "qnn"), ("cpu", "ggml")]
    assert [name for name, one in found.items() if one.usable] == ["cpu", "qnn"]
    assert found["ggml"].get.endswith("cannot be loaded: crashed with SIGSEGV")


@pytest.mark.parametrize("name", ["cuda", "tensorrt", "dml", "migraphx", "rocm", "cann"])
def test_packages_that_contain_onnxruntime_replace_it(name):
    package = PROVIDERS[name].package
    assert package.startswith("pip uninstall onnxruntime && pip install onnxruntime-")


def test_the_machine_alone_is_measured_with_the_runtime_asked_for(child):
    heard: list[Progress] = []
    found = survey.machine_alone(Settings(threads=2), heard.append)
    assert found.machine.peaks == Peaks(2e9 + 2, 3e9)
    assert found.machine.onnxruntime == "1.2.3"
    assert (found.models, found.comparisons, found.precision) == ((), (), inf)
    assert child[-1].runtime == Runtime(threads=2)
    assert [(p.doing, p.model) for p in heard] == [("measuring", "the machine")]


def test_it_is_measured_each_time_and_cached(child):
    survey.machine_alone(Settings())
    found = survey.machine_alone(Settings())
    assert [job.task for job in child] == ["providers", "peaks"] * 2
    assert machine.recall(found.machine, Runtime()) == found.machine.peaks
    assert machine.recall(found.machine, Runtime(threads=2)) is None


def test_a_provider_that_does_not_exist_is_refused_before_anything_runs(child):
    with pytest.raises(SepcostError, match="unknown execution provider 'cdua'"):
        survey.machine_alone(Settings(providers=("cdua",)))
    with pytest.raises(SepcostError, match="threads"):
        survey.machine_alone(Settings(threads=-1))
    assert "peaks" not in [job.task for job in child]
