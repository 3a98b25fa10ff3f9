"""Whatever a child does, one clear line comes back and no process is left."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from sepcost.errors import BindingError, MeasurementError
from sepcost.latency import child
from sepcost.latency.jobs import Job, ModelFile
from tests.latency.models import HANG

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
JOB = Job("launch", [ModelFile("m.onnx", Path("m.onnx"), ())])

STARTED = 'print(\'{"stage": "running", "model": "m.onnx"}\', flush=True)'


@pytest.fixture
def behave(monkeypatch):
    """Make the child run the given statements instead of the worker."""

    def set_code(code: str) -> None:
        code = "import os, signal, sys, time\n" + textwrap.dedent(code)
        monkeypatch.setattr(child, "COMMAND", (sys.executable, "-c", code))

    return set_code


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int) -> bool:
    """Give a killed process a moment to leave the process table."""
    for _ in range(100):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_results_are_returned(behave):
    behave('print(\'{"done": {"answer": 42}}\')')
    assert child.execute(JOB, 10) == {"answer": 42}


def test_progress_is_passed_on(behave):
    behave(f"{STARTED}\nprint('{{\"stage\": null}}')\nprint('{{\"done\": {{}}}}')")
    seen: list[object] = []
    child.execute(JOB, 10, seen.append)
    assert seen == [{"stage": "running", "model": "m.onnx"}] * 2


def test_an_error_keeps_its_kind(behave):
    behave('print(\'{"failed": {"type": "BindingError", "message": "why"}}\')')
    with pytest.raises(BindingError, match=r"^why$"):
        child.execute(JOB, 10)


def test_a_crash_is_named_by_its_signal(behave):
    behave(f"{STARTED}\nos.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(MeasurementError, match=r"m\.onnx: while running, .*crashed with SIGSEGV"):
        child.execute(JOB, 10)


def test_a_kill_is_most_likely_for_memory(behave):
    behave("os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(MeasurementError, match="memory ran out"):
        child.execute(JOB, 10)


def test_an_exit_shows_the_last_line(behave):
    behave("sys.exit('one\\nlibcuda.so not found')")
    with pytest.raises(MeasurementError, match=r"exited with 1: libcuda\.so not found$"):
        child.execute(JOB, 10)


@pytest.mark.parametrize("words", ["{broken", '{"done"'])
def test_half_a_line_is_not_an_answer(behave, words):
    behave(f"print({words!r})")
    with pytest.raises(MeasurementError, match="exited with 0"):
        child.execute(JOB, 10)


@linux
@pytest.mark.parametrize("ignoring", ["", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"])
def test_silence_ends_the_child_and_its_children(behave, tmp_path, ignoring):
    pids = tmp_path / "pids"
    behave(f"""
        import subprocess
        {ignoring}
        grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{grandchild.pid}}")
        print('{{"stage": "running", "model": "m.onnx"}}', flush=True)
        time.sleep(600)
    """)
    with pytest.raises(MeasurementError, match=r"no response for 1 s.*--timeout"):
        child.execute(JOB, 1)
    assert all(gone(int(pid)) for pid in pids.read_text().split())


@linux
def test_an_interrupt_ends_the_child(behave):
    behave("""
        print('{"stage": "running", "model": %d}' % os.getpid(), flush=True)
        time.sleep(600)
    """)
    pids: list[int] = []

    def interrupt(message: child.Message) -> None:
        pids.append(message["model"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        child.execute(JOB, 10, interrupt)
    assert gone(pids[0])


@linux
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_child_of_a_killed_parent_ends(write, tmp_path, ending):
    model = write(HANG, "hang")
    seen = tmp_path / "seen"
    script = f"""
        from pathlib import Path
        from sepcost.latency import child
        from sepcost.latency.jobs import Job, ModelFile
        from sepcost.network import Role, Value
        x = Value("x", (1,), "float32", Role.INPUT)
        model = ModelFile("hang", Path({str(model.path)!r}), (x,))
        started = child._started
        def note(*args):
            process = started(*args)
            Path({str(seen)!r}).write_text(str(process.pid))
            return process
        child._started = note
        def stage(message):
            print(message["stage"], flush=True)
        child.execute(Job("probe", [model]), 100, stage)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        cwd=Path(__file__).parents[2], env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert parent.stdout is not None
    with parent:
        while parent.stdout.readline().strip() not in ("running", ""):
            pass
        pid = int(seen.read_text())
        assert alive(pid)
        parent.send_signal(ending)
        parent.wait(20)
    assert gone(pid)


def test_nothing_in_the_working_folder_is_imported(write, tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the working folder')")
    monkeypatch.chdir(tmp_path)
    assert child.execute(Job("providers"), 60)["usable"]


def test_importing_the_package_imports_neither_onnxruntime_nor_numpy():
    rooms = "sepcost.latency, sepcost.latency.measure, sepcost.latency.results"
    heavy = "{'onnxruntime', 'onnx', 'numpy'} & set(sys.modules)"
    code = f"import sys, {rooms}; print({heavy} or 'light')"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "light"


def test_no_temporary_file_is_left(write, tmp_path, monkeypatch):
    from sepcost.latency.measure import bench
    from sepcost.latency.settings import Settings
    from tests.latency.models import RELU

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(folder)
    bench([write(RELU)], Settings(min_launches=1, max_launches=1, layers=True))
    assert os.listdir(folder) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.onnx", "temporary"]
