"""Jobs on another machine give what they give here, and leave nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from sepcost.errors import BindingError, HostError, MeasurementError, ModelError
from sepcost.latency import child
from sepcost.latency.hosts.connection import STUB, Connection, command
from sepcost.latency.hosts.host import Host
from sepcost.latency.hosts.sending import digest_of
from sepcost.latency.jobs import Job
from sepcost.latency.measure import bench
from sepcost.latency.results import Peaks
from sepcost.latency.settings import Settings
from tests.latency.conftest import model_file
from tests.latency.models import HANG, conv

QUICK = Settings(min_launches=2, max_launches=2, max_time_s=1.0, host="far")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def host(far):
    with Host("far") as found:
        yield found


@pytest.fixture
def outside(tmp_path):
    """A model whose weights are in another file."""

    def make(name="weights.bin", file="outside.onnx"):
        model = onnx.parser.parse_model(
            '<ir_version: 8, opset_import: ["": 17]> '
            "net (float[1,512] x) => (float[1,512] y) { y = MatMul (x, w) }"
        )
        weight = onnx.numpy_helper.from_array(np.ones((512, 512), np.float32), "w")
        model.graph.initializer.append(weight)
        onnx.save(model, tmp_path / file, save_as_external_data=True, location=name)
        return model_file(tmp_path / file, model)

    return make


def run(host, job, timeout_s=60.0):
    """Run a job; return its result and the steps that were told."""
    stages = []
    return host.execute(job, timeout_s, lambda stage: stages.append(stage["stage"])), stages


def test_a_measurement_there_tells_of_that_machine(host, far, write):
    models = [write(conv(), "one"), write(conv(16), "two")]
    found = bench(models, QUICK, execute=host.execute, facts_of=host.facts)
    assert [model.name for model in found.models] == ["one", "two"]
    assert found.comparisons
    assert (found.machine.host, found.machine.onnxruntime) == ("far", child_version())
    host.close()
    assert far.left() == []


def child_version():
    return child.execute(Job("providers"), 60)["onnxruntime"]


def test_it_has_neither_onnx_nor_the_rest(far):
    python = far.cache / "venv" / "bin" / "python"
    for name in ("onnx", "typer", "rich", "jinja2"):
        done = subprocess.run(
            [python, "-I", "-c", f"import {name}"], capture_output=True, check=False
        )
        assert b"No module named" in done.stderr, name


def test_layers_are_the_same_rows_as_here(host, write):
    job = Job("profile", [write(conv())])
    there, here = (run(host, job)[0]["layers"], child.execute(job, 60)["layers"])
    assert [(row["nodes"], row["kernel"]) for row in there] == [
        (row["nodes"], row["kernel"]) for row in here
    ]


def test_peaks_are_measured_there(host):
    assert Peaks(**run(host, Job("peaks", slice_s=0.1))[0]).macs_per_second > 1e8


def test_a_model_is_sent_once(host, write):
    job = Job("probe", [write(conv(12))])
    assert "sending" in run(host, job)[1]
    assert "sending" not in run(host, job)[1]
    with Host("far") as again:
        assert "sending" not in run(again, job)[1]


def test_a_changed_model_is_sent_again(host, write):
    first, _ = run(
        host, Job("probe", [write("m (float[1,2] x) => (float[1,2] y) { y = Relu (x) }")])
    )
    changed = write("m (float[1,2] x) => (float[1,2] z) { y = Abs (x)  z = Abs (y) }")
    second, stages = run(host, Job("probe", [changed]))
    assert "sending" in stages
    assert sum(len(nodes) for _, nodes in first["placement"]) == 1
    assert sum(len(nodes) for _, nodes in second["placement"]) == 2


def test_weights_in_another_file_are_sent_too(host, far, outside):
    model = outside()
    run(host, Job("facts"))  # the worker itself is sent once
    before = far.blobs
    assert run(host, Job("probe", [model]))[0]["placement"]
    assert run(host, Job("profile", [model]))[0]["layers"][0]["nodes"] == ["y"]
    assert len(far.blobs - before) == 3  # the data, the model, its labelled copy


def test_a_model_is_read_once_per_line(host, outside, monkeypatch):
    job = Job("launch", [outside()], slice_s=0.01)
    assert run(host, job)[0]["samples"]
    monkeypatch.setattr("onnx.load", None)
    assert run(host, job)[0]["samples"]


def test_missing_weights_are_an_error_here(host, outside, tmp_path):
    model = outside()
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(
        ModelError, match=r"outside: its data file .*weights\.bin does not exist; put"
    ):
        run(host, Job("probe", [model]))


HOSTILE = [
    "$(touch stolen)", "`touch stolen`", "'; touch stolen; '", '"\\ \n\x1b[31m', "\u202e",
    "-oProxyCommand=touch stolen",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_of_a_file_reaches_a_shell(host, far, outside, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = replace(outside(f"{name}.bin", f"{name}.onnx"), name=name)
    assert run(host, Job("probe", [model]))[0]["placement"]
    assert not list(tmp_path.rglob("stolen"))
    assert not list(far.folder.rglob("stolen"))
    assert all(len(blob) == 64 and blob.isalnum() for blob in far.blobs)


def test_the_shell_there_sees_one_fixed_command():
    assert command("pi@raspberrypi")[-3:] == [
        "--", "pi@raspberrypi", f"exec python3 -I -c '{STUB}'",
    ]  # fmt: skip
    assert "'" not in STUB


@pytest.mark.parametrize("name", ["", "-oProxyCommand=id", "a b", "a\nb", "\x1b"])
def test_what_is_no_destination_is_refused(name):
    with pytest.raises(HostError, match="expected an ssh destination"):
        command(name)


def test_without_ssh_there_is_no_host(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="there is no ssh here; install OpenSSH's client"):
        Host("pi").connection()


def test_inputs_are_sent_and_named_as_here(host, write, tmp_path):
    model = write("m (float[1,2] x) => (float[1,2] y) { y = Relu (x) }")
    inputs = tmp_path / "in.npz"
    np.savez(inputs, x=np.array([[np.nan, 1]], np.float32))
    (warning,) = run(host, Job("probe", [model], inputs=inputs))[0]["warnings"]
    assert warning.startswith(f"{inputs}: input 'x' contains NaN")
    np.savez(inputs, z=np.ones((1, 2), np.float32))
    with pytest.raises(BindingError, match=rf"^{inputs}: no array for input 'x'"):
        run(host, Job("probe", [model], inputs=inputs))


def test_a_greeting_of_the_login_shell_does_no_harm(far, write):
    with Host("talkative") as host:
        assert run(host, Job("probe", [write(conv())]))[0]["placement"]


# What goes wrong.


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("refused", "the key was refused; .*Permission denied"),
        ("unlisted", "run 'ssh unlisted' once and accept it"),
        ("closed", "no ssh server answers there"),
        ("nobody.invalid", "unknown host"),
        ("pythonless", "no python3 there"),
        ("old", r"expected Python 3\.11 or newer there, not 3\.9\.2"),
        ("bare", "not set up; run 'sepcost host setup bare'"),
        ("readonly", "/dev/null/sepcost: Not a directory"),
    ],
)
def test_a_machine_that_cannot_be_used_gives_one_line(far, name, says):
    with Host(name) as host, pytest.raises(HostError, match=f"^--host {name}: .*{says}") as caught:
        run(host, Job("facts"))
    assert caught.value.exit_code == 2


def test_a_full_disk_is_told_and_nothing_is_left(far, tmp_path):
    path = tmp_path / "large.npz"
    path.write_bytes(os.urandom(4_000_000))
    with Host("full") as host:
        before = far.blobs
        with pytest.raises(
            HostError, match=r"^--host full: File too large; make room in .*sepcost"
        ):
            host.send({"0" * 64: path}, lambda _: None, "m")
        assert far.blobs == before
        host.send({}, lambda _: None, "m")  # the connection still works


def test_no_beat_comes_into_a_file(far, tmp_path, monkeypatch):
    monkeypatch.setattr("sepcost.latency.hosts.connection.BEAT_S", 0.0)
    path = tmp_path / "large"
    path.write_bytes(os.urandom(20_000_000))
    digest = digest_of(path)
    with Host("far") as host:
        host.send({digest: path}, lambda _: None, "m")
    assert digest in far.blobs


def test_an_interrupt_while_sending_ends_the_line(far, tmp_path, monkeypatch):
    path = tmp_path / "large"
    path.write_bytes(os.urandom(4_000_000))
    digest = digest_of(path)

    def interrupted(self, *parts):
        write(self, *parts[:1], *([b"half"] for _ in parts[1:]))
        if len(parts) > 1:
            raise KeyboardInterrupt

    write = Connection._write
    with Host("far") as host:
        host.connection()
        monkeypatch.setattr(Connection, "_write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            host.send({digest: path}, lambda _: None, "m")
        monkeypatch.undo()
        assert host._open is None
    assert digest not in far.blobs
    assert far.left() == []


def test_damaged_data_are_not_kept(host, far, tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"other")
    with pytest.raises(HostError, match="the data arrived damaged"):
        host.send({"0" * 64: path}, lambda _: None, "m")
    assert "0" * 64 not in far.blobs


def test_a_file_larger_than_the_space_there_is_not_sent(host, tmp_path, monkeypatch):
    path = tmp_path / "data"
    path.write_bytes(b"x" * 100)
    monkeypatch.setattr(Host, "_answer", lambda *_: {"missing": ["a"], "free": 99})
    with pytest.raises(HostError, match=r"0 MB do not fit; make room in "):
        host.send({"a": path}, lambda _: None, "m")


def hanging(write):
    return Job("probe", [write(HANG, "hang")])


class During:
    """Acts once the model runs there."""

    def __init__(self, action):
        self.action = action

    def __call__(self, stage):
        if stage["stage"] == "running" and self.action:
            action, self.action = self.action, None
            action()


def gone(far):
    for _ in range(200):
        if not far.workers():
            return True
        time.sleep(0.05)
    return False


@linux
def test_a_run_that_hangs_is_stopped_and_the_line_goes_on(host, far, write):
    with pytest.raises(MeasurementError, match=r"hang: while running: no response for 1 s"):
        host.execute(hanging(write), 1, lambda _: None)
    assert gone(far)
    assert run(host, Job("facts"))[0]["versions"]


@linux
def test_a_crash_there_is_named(host, far, write):
    def crash():
        os.kill(far.workers()[0], signal.SIGSEGV)

    with pytest.raises(MeasurementError, match=r"while running on far, .* crashed with SIGSEGV"):
        host.execute(hanging(write), 60, During(crash))
    assert run(host, Job("facts"))[0]["versions"]


@linux
def test_an_interrupt_ends_the_worker_there(host, far, write):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        host.execute(hanging(write), 60, During(interrupt))
    assert gone(far)


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@linux
@pytest.mark.parametrize("side", ["here", "there"])
def test_a_line_lost_in_mid_run_leaves_nothing_there(far, write, side):
    with Host("far") as host:

        def cut():
            here, there = host.connection()._ssh.pid, parent(far.workers()[0])
            os.kill(here if side == "here" else there, signal.SIGKILL)

        with pytest.raises(MeasurementError, match="the connection to far was lost") as caught:
            host.execute(hanging(write), 60, During(cut))
        assert caught.value.exit_code == 3
        assert gone(far)
        assert run(host, Job("facts"))[0]["versions"]  # a new connection, which sweeps
    assert far.left() == []


@linux
def test_nothing_is_left_there_when_this_side_is_killed(far, write):
    model = write(HANG, "hang")
    code = f"""
from pathlib import Path
from sepcost.latency.hosts.host import Host
from sepcost.latency.jobs import Job, ModelFile
from sepcost.network import Role, Value
model = ModelFile("hang", Path({str(model.path)!r}), (Value("x", (1,), "float32", Role.INPUT),))
Host("far").execute(Job("probe", [model]), 100, lambda stage: print(stage["stage"], flush=True))
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as near:
        assert near.stdout is not None
        while near.stdout.readline().strip() not in ("running", ""):
            pass
        assert far.workers()
        near.kill()
    assert gone(far)
    assert far.left() == []


def test_eight_at_once_agree_and_leave_nothing(far, write):
    model = write(conv(20))

    def measure(_):
        with Host("far") as host:
            return run(host, Job("probe", [model]))[0]["placement"]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(measure, range(8)))
    assert len({json.dumps(each) for each in found}) == 1
    assert far.left() == []
