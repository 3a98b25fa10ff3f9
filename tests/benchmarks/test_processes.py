"""How the benchmarks measure whole processes."""

import sys

from benchmarks.processes import KEYS, process


def python(code, folder, **more):
    return process([sys.executable, "-I", "-S", "-c", code], folder, **more)


def test_time_and_memory_of_a_process_are_measured(tmp_path):
    small = python("pass", tmp_path)()
    large = python("x = b'1' * 80_000_000", tmp_path)()
    assert not small.failed
    assert set(small.values) == set(KEYS)
    assert large.values["peak_mb"] > small.values["peak_mb"] + 60


def test_the_memory_of_the_measuring_process_does_not_count(tmp_path):
    ballast = b"1" * 150_000_000
    assert python("pass", tmp_path)().values["peak_mb"] < len(ballast) / 2e6


def test_a_process_that_fails_reports_its_last_line(tmp_path):
    found = python("raise SystemExit('no such model')", tmp_path)()
    assert found.failed == "exit code 1: no such model"


def test_it_runs_in_its_folder_and_its_output_can_be_removed(tmp_path):
    written = tmp_path / "out"
    side = python("open('out', 'w')", tmp_path, after=written.unlink)
    assert not side().failed
    assert not written.exists()
