"""Providers and peaks of the machine, reported by a fake child."""

from math import inf

import pytest

from sepcost.errors import SepcostError
from sepcost.latency import machine, survey
from sepcost.latency.jobs import Runtime
from sepcost.latency.providers import PROVIDERS
from sepcost.latency.results import Peaks
from sepcost.latency.settings import Progress, Settings

USABLE = [
    {"provider": "cpu", "devices": ["CPU AMD"], "plugin": False},
    {"provider": "mine", "devices": ["NPU"], "plugin": True},
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

    monkeypatch.setattr(survey, "execute", execute)
    monkeypatch.setattr(machine, "cache_file", lambda: tmp_path / "peaks.json")
    return jobs


def test_usable_providers_come_first_and_every_other_says_what_it_needs(child):
    found = survey.providers()
    assert [(one.name, one.devices) for one in found if one.usable] == [
        ("cpu", ("CPU AMD",)),
        ("mine", ("NPU",)),
    ]
    assert [one.usable for one in found[:2]] == [True, True]
    others = [one for one in found if not one.usable]
    assert {one.name for one in others} == set(PROVIDERS) - {"cpu"}
    assert all(one.get for one in others)


def test_a_plugin_that_finds_no_device_need_not_be_installed_again(child, monkeypatch):
    installed = {PROVIDERS["openvino"].plugin: "a spec"}
    monkeypatch.setattr(survey, "find_spec", installed.get)
    needs = {one.name: one.get for one in survey.providers()}
    assert "it is installed, and finds none" in needs["openvino"]
    assert needs["qnn"] == PROVIDERS["qnn"].package


def test_the_machine_alone_is_measured_with_the_runtime_asked_for(child):
    told: list[Progress] = []
    found = survey.machine_alone(Settings(threads=2), told.append)
    assert found.machine.peaks == Peaks(2e9 + 2, 3e9)
    assert found.machine.onnxruntime == "1.2.3"
    assert (found.models, found.comparisons, found.precision) == ((), (), inf)
    assert child[-1].runtime == Runtime(threads=2)
    assert [(p.doing, p.model) for p in told] == [("measuring", "the machine")]


def test_it_is_measured_again_each_time_and_remembered(child):
    survey.machine_alone(Settings())
    found = survey.machine_alone(Settings())
    assert [job.task for job in child] == ["providers", "peaks"] * 2
    assert machine.recall(found.machine, Runtime()) == found.machine.peaks
    assert machine.recall(found.machine, Runtime(threads=2)) is None


def test_a_provider_that_does_not_exist_is_refused_before_anything_runs(child):
    with pytest.raises(SepcostError, match="no provider 'cdua'"):
        survey.machine_alone(Settings(providers=("cdua",)))
    with pytest.raises(SepcostError, match="threads"):
        survey.machine_alone(Settings(threads=-1))
    assert "peaks" not in [job.task for job in child]
