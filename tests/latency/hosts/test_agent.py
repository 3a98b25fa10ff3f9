"""The agent alone, as ssh would start it."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sepcost.latency.hosts import agent, package

TEXT = Path(agent.__file__).read_text("utf-8")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it runs on Unix")


def started(folder, text=TEXT):
    return subprocess.Popen(
        [sys.executable, "-I", "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {"XDG_CACHE_HOME": str(folder)}, text=True,
    )  # fmt: skip


def answer(process):
    return json.loads(process.stdout.readline().removeprefix(agent.MARK))


def connections(folder):
    return [path for path in (folder / "sepcost" / "connections").iterdir() if path.is_dir()]


def test_it_is_written_for_python_3_6_and_its_standard_library():
    tree = ast.parse(TEXT, feature_version=(3, 6))
    names = {name.name for n in ast.walk(tree) if isinstance(n, ast.Import) for name in n.names}
    assert names <= sys.stdlib_module_names
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))


def test_it_ends_with_the_line_and_removes_its_folder(tmp_path):
    with started(tmp_path) as process:
        assert answer(process)["hello"]["cache"] == str(tmp_path / "sepcost")
        assert len(connections(tmp_path)) == 1
        process.stdin.close()
        assert process.wait(20) == 0
    assert connections(tmp_path) == []


def test_it_ends_when_the_line_is_silent(tmp_path):
    with started(tmp_path, TEXT.replace("SILENCE_S = 60.0", "SILENCE_S = 0.2")) as process:
        assert answer(process)["hello"]
        assert process.wait(20) == 0
    assert connections(tmp_path) == []


def test_a_killed_one_is_swept_by_the_next_and_a_live_one_is_not(tmp_path):
    with started(tmp_path) as killed, started(tmp_path) as live:
        assert answer(killed)["hello"]
        assert answer(live)["hello"]
        killed.kill()
        killed.wait()
        assert len(connections(tmp_path)) == 2
        with started(tmp_path) as third:
            assert answer(third)["hello"]
            assert len(connections(tmp_path)) == 2
            third.stdin.close()
        live.stdin.close()
    assert connections(tmp_path) == []


def test_files_long_unused_are_removed(tmp_path):
    blobs = tmp_path / "sepcost" / "blobs"
    blobs.mkdir(parents=True)
    for name, days in {"old": 31, "young": 29}.items():
        (blobs / name).touch()
        then = (blobs / name).stat().st_mtime - days * 24 * 3600
        os.utime(blobs / name, (then, then))
    with started(tmp_path) as process:
        assert answer(process)["hello"]
        process.stdin.close()
    assert [path.name for path in blobs.iterdir()] == ["young"]


def test_a_program_that_is_missing_is_told(tmp_path):
    with started(tmp_path) as process:
        assert answer(process)["hello"]
        request = {"do": "start", "argv": ["/no/such/program"], "line": ""}
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        found = answer(process)
        assert found["exit"] == 127
        assert "/no/such/program" in found["stderr"]
        process.stdin.close()


def test_the_package_is_the_same_every_time():
    assert package.packed() == package.packed()
