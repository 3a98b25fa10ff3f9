"""Facts about the machine, and its peaks, which are measured once."""

import json
import os
import sys

import pytest

from sepcost.latency import child, machine, peak_memory, peak_models, peaks, runtime
from sepcost.latency.jobs import Job, Runtime
from sepcost.latency.results import Machine, Peaks

HERE = Machine("here", "Linux", "CPU", 2, 0.1, None, None, "1.32.0")
PEAKS = Peaks(1e11, 2e10)


def test_facts():
    found = machine.facts()
    assert found.cores >= 1
    assert found.cpu
    assert found.system
    json.dumps(found.to_dict(), allow_nan=False)


def test_peaks_are_remembered_for_one_machine_version_provider_and_thread_count(tmp_path):
    path = tmp_path / "deep" / "peaks.json"
    assert machine.recall(HERE, Runtime(), path) is None
    machine.remember(HERE, Runtime(), PEAKS, path)
    assert machine.recall(HERE, Runtime(), path) == PEAKS
    assert machine.recall(HERE, Runtime(threads=2), path) is None
    assert machine.recall(HERE, Runtime(("cuda",)), path) is None
    there = Machine("there", "Linux", "CPU", 2, 0.1, None, None, "1.32.0")
    newer = Machine("here", "Linux", "CPU", 2, 0.1, None, None, "1.33.0")
    assert machine.recall(there, Runtime(), path) is None
    assert machine.recall(newer, Runtime(), path) is None


def test_other_entries_stay_and_no_other_file_is_left(tmp_path):
    path = tmp_path / "peaks.json"
    machine.remember(HERE, Runtime(), PEAKS, path)
    machine.remember(HERE, Runtime(threads=2), Peaks(2e11, 3e10), path)
    assert machine.recall(HERE, Runtime(), path) == PEAKS
    assert os.listdir(tmp_path) == ["peaks.json"]


def test_a_busy_machine_does_not_lower_its_peaks(tmp_path):
    path = tmp_path / "peaks.json"
    machine.remember(HERE, Runtime(), Peaks(1e11, 1e10), path)
    machine.remember(HERE, Runtime(), Peaks(9e10, 2e10), path)
    assert machine.recall(HERE, Runtime(), path) == Peaks(1e11, 2e10)


@pytest.mark.parametrize(
    "content", ["", "{", "[" * 100_000, "[1]", '{"a": 1}', '{"a": {"b": "c"}}', "\x00", "\\ud800"]
)
def test_a_damaged_cache_is_an_empty_one(tmp_path, content):
    path = tmp_path / "peaks.json"
    path.write_text(content)
    assert machine.recall(HERE, Runtime(), path) is None
    machine.remember(HERE, Runtime(), PEAKS, path)
    assert machine.recall(HERE, Runtime(), path) == PEAKS


@pytest.mark.parametrize(
    "kept",
    [None, [1], {}, {"macs_per_second": 1e11}, {"macs_per_second": 1e11, "bytes_per_second": -1}],
)
def test_a_damaged_entry_is_ignored(tmp_path, kept):
    path = tmp_path / "peaks.json"
    machine.remember(HERE, Runtime(), PEAKS, path)
    path.write_text(json.dumps(dict.fromkeys(json.loads(path.read_text()), kept)))
    assert machine.recall(HERE, Runtime(), path) is None


def test_a_folder_that_cannot_be_written_to_costs_nothing_else(tmp_path):
    (tmp_path / "file").write_text("")
    machine.remember(HERE, Runtime(), PEAKS, tmp_path / "file" / "peaks.json")


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is that of Linux")
def test_the_cache_is_in_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert machine.cache_file() == tmp_path / "sepcost" / "peaks.json"


def test_measured_peaks_are_those_of_a_computer():
    found = Peaks(**child.execute(Job("peaks"), 120))
    assert 1e8 < found.macs_per_second < 1e14
    assert 1e8 < found.bytes_per_second < 1e13
    assert 1e8 < (found.int8_macs_per_second or 0) < 1e15


def test_where_the_time_is_up_each_peak_is_measured_once_warm(tmp_path):
    beats = []
    found = peaks.measure(
        peak_models.written(tmp_path), Runtime(), lambda: beats.append(1), most_s=0
    )
    assert len(beats) == 6
    assert min(found.macs_per_second, found.bytes_per_second) > 0


def test_a_provider_that_leaves_integers_to_the_cpu_has_no_peak_for_them(monkeypatch, tmp_path):
    """Otherwise the CPU's speed would be reported in its name."""
    placed = [("cpu", ["a"]), ("other", ["b"])]
    monkeypatch.setattr(runtime, "placement", lambda _: placed)
    found = peaks.measure(peak_models.written(tmp_path), Runtime(), most_s=0)
    assert found.int8_macs_per_second is None


def test_peaks_cached_without_one_of_them_are_measured_anew(tmp_path):
    path = tmp_path / "peaks.json"
    machine.remember(HERE, Runtime(), PEAKS, path)
    old = path.read_text().replace('\\"int8_macs_per_second\\"', '\\"older\\"')
    assert old != path.read_text()
    path.write_text(old)
    assert machine.recall(HERE, Runtime(), path) is None


@pytest.mark.skipif(not peak_memory.RESET.exists(), reason="this platform cannot reset its peak")
def test_the_peak_is_that_of_the_step():
    peak_memory.reset()
    before = peak_memory.current()
    large = bytearray(50_000_000)
    assert before is not None
    during = peak_memory.peak()
    del large
    peak_memory.reset()
    after = peak_memory.peak()
    assert during is not None
    assert after is not None
    assert during - before > 45e6
    assert after < during - 45e6


def test_without_proc_the_peak_is_that_of_the_process(monkeypatch, tmp_path):
    monkeypatch.setattr(peak_memory, "STATUS", tmp_path / "none")
    monkeypatch.setattr(peak_memory, "RESET", tmp_path / "folder" / "none")
    peak_memory.reset()
    assert peak_memory.current() is None
    assert sys.platform == "win32" or (peak_memory.peak() or 0) > 5e6


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 4), ("200000 100000", 2), ("50000 100000", 1), ("900000 100000", 4), ("", 4)],
)
def test_a_container_has_the_cores_of_its_quota(quota, cores, tmp_path, monkeypatch):
    (tmp_path / "cpu.max").write_text(quota + "\n")
    monkeypatch.setattr(machine, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)), raising=False)
    assert machine.cores() == cores
