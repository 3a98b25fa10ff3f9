"""How ``sepcost bench`` ends: nothing of it is left behind, whatever ends it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import onnx
import onnx.parser
import pytest

from tests.latency.models import HANG

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def save(folder, text):
    path = folder / "model.onnx"
    onnx.save(onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 17]> ' + text), path)
    return path


def start(path, temporary, *arguments):
    temporary.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "sepcost", "bench", str(path), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )  # fmt: skip


def children(process):
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]


def working_child(process):
    """Wait until the child that measures is well under way."""
    while process.poll() is None:
        for pid in children(process):
            if ticks(pid) > 10:
                return pid
        time.sleep(0.02)
    raise AssertionError(process.stderr.read())


def stat(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def ticks(pid):
    """How long a process has computed."""
    return int(stat(pid)[11])


def gone(pid):
    """A process that has ended may still stand in the table until somebody collects it."""
    try:
        return stat(pid)[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_it_takes_its_child_and_its_files_with_it(tmp_path, number, code):
    process = start(save(tmp_path, HANG), tmp_path / "temporary")
    child = working_child(process)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (code, "", "")
    assert gone(child)
    assert not list((tmp_path / "temporary").iterdir())


def test_a_model_that_hangs_is_stopped(tmp_path):
    process = start(save(tmp_path, HANG), tmp_path / "temporary", "--timeout", "1")
    child = working_child(process)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (3, "")
    assert "no sign of life for 1 s" in stderr
    assert stderr.count("\n") == 1
    assert gone(child)
    assert not list((tmp_path / "temporary").iterdir())


def test_a_child_does_not_outlive_a_parent_that_is_killed(tmp_path):
    process = start(save(tmp_path, HANG), tmp_path / "temporary")
    child = working_child(process)
    process.kill()
    process.communicate(timeout=60)
    while not gone(child):
        time.sleep(0.02)
