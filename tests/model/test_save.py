"""Saving: complete and checked or not at all; the input is never touched; weights are streamed."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from sepcost.atomic_file import SUFFIX
from sepcost.errors import ConversionError, ModelError
from sepcost.model import save as module
from sepcost.model.load import Loaded, load
from sepcost.model.save import save

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1,4,16,16] x, bool flag) => (float[1,64,14,14] y) {
  h = Conv (x, w)
  k = Constant <value = float[1] {1.5}> ()
  y = If (flag) <then_branch = t () => (float[1,64,14,14] a) { a = Mul (h, k) },
                 else_branch = e () => (float[1,64,14,14] b) { b = Add (h, big) }>
}"""


def model() -> onnx.ModelProto:
    """A model with several weights large enough to stay on disk."""
    proto = onnx.parser.parse_model(TEXT)
    random = np.random.default_rng(0)
    for name, shape in {"w": (64, 4, 3, 3), "big": (1, 64, 14, 14)}.items():
        array = random.standard_normal(shape).astype(np.float32)
        proto.graph.initializer.append(numpy_helper.from_array(array, name))
    constant = helper.make_tensor("c", 1, [2000], random.standard_normal(2000))
    proto.graph.node.insert(0, helper.make_node("Constant", [], ["unused"], value=constant))
    return proto


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    onnx.save(model(), tmp_path / "in.onnx")
    return load(tmp_path / "in.onnx")


@pytest.fixture
def apart(tmp_path: Path) -> Loaded:
    """The same model with its weights in a separate file."""
    path = tmp_path / "in.onnx"
    onnx.save(model(), path, save_as_external_data=True, location="in.onnx.data", size_threshold=0)
    return load(tmp_path / "in.onnx")


def arrays(path: Path) -> dict[str, np.ndarray]:
    """Every initializer and constant, read by ONNX itself."""
    proto = onnx.load(path)
    found = {t.name: numpy_helper.to_array(t) for t in proto.graph.initializer}
    held = (n for n in proto.graph.node if n.op_type == "Constant")
    return found | {n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in held}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_saved_is_what_was_loaded(loaded, tmp_path):
    assert save(loaded, tmp_path / "out.onnx") == (tmp_path / "out.onnx",)
    assert same(arrays(tmp_path / "out.onnx"), arrays(tmp_path / "in.onnx"))
    stripped = [onnx.load(tmp_path / name) for name in ("in.onnx", "out.onnx")]
    assert stripped[0].graph.node[1:] == stripped[1].graph.node[1:]  # the first is a Constant
    assert files(tmp_path) == ["in.onnx", "out.onnx"]


def test_the_saved_file_is_as_readable_as_any_new_one(loaded, tmp_path):
    save(loaded, tmp_path / "out.onnx")
    (tmp_path / "plain").touch()
    assert (tmp_path / "out.onnx").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_weights_in_a_data_file_stay_there(apart, tmp_path):
    target = tmp_path / "out.onnx"
    assert save(apart, target) == (target, tmp_path / "out.onnx.data")
    assert same(arrays(target), arrays(tmp_path / "in.onnx"))
    places = {
        entry.value
        for tensor in onnx.load(target, load_external_data=False).graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    assert places == {"out.onnx.data"}
    onnx.checker.check_model(target, full_check=True)


def test_a_model_too_large_for_one_file_gets_a_data_file(loaded, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 20_000)
    save(loaded, tmp_path / "out.onnx")
    assert files(tmp_path) == ["in.onnx", "out.onnx", "out.onnx.data"]
    assert same(arrays(tmp_path / "out.onnx"), arrays(tmp_path / "in.onnx"))


def test_tensors_that_share_bytes_still_do(apart, tmp_path):
    proto = onnx.ModelProto()
    proto.CopyFrom(apart.proto)
    twin = proto.graph.initializer.add()
    twin.CopyFrom(proto.graph.initializer[0])
    twin.name = "twin"
    save(replace(apart, proto=proto), tmp_path / "out.onnx")
    before, after = ((tmp_path / f"{n}.onnx.data").stat().st_size for n in ("in", "out"))
    assert after < before + 4096


def test_constants_that_no_data_file_can_store_are_refused(loaded, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 5_000)
    with pytest.raises(ConversionError, match="too large for one ONNX file"):
        save(loaded, tmp_path / "out.onnx")
    assert files(tmp_path) == ["in.onnx"]


@pytest.mark.parametrize("kind", ["itself", "symbolic link", "hard link", "other spelling"])
@pytest.mark.parametrize("force", [True, False])
def test_the_input_is_never_replaced(loaded, tmp_path, kind, force):
    source, link = tmp_path / "in.onnx", tmp_path / "link.onnx"
    before = source.read_bytes()
    target = {"itself": source, "other spelling": tmp_path / ".." / tmp_path.name / "in.onnx"}
    if kind == "symbolic link":
        link.symlink_to(source)
    elif kind == "hard link":
        os.link(source, link)
    with pytest.raises(ConversionError, match="is part of the source model"):
        save(loaded, target.get(kind, link), force=force)
    assert source.read_bytes() == before


def test_the_input_s_data_file_is_never_replaced(apart, tmp_path):
    proto = apart.proto
    onnx.save(proto, tmp_path / "copy.onnx")
    moved = replace(apart, path=tmp_path / "copy.onnx")
    with pytest.raises(ConversionError, match="is part of the source model"):
        save(moved, tmp_path / "in.onnx", force=True)
    with pytest.raises(ConversionError, match="is part of the source model"):
        save(moved, tmp_path / "in.onnx.data", force=True)


def test_a_data_file_that_nothing_refers_to_any_more_is_still_the_input(apart, tmp_path):
    proto = onnx.ModelProto()
    proto.CopyFrom(apart.proto)
    for tensor in proto.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(np.zeros(tuple(tensor.dims), "f"), tensor.name))
    with pytest.raises(ConversionError, match="is part of the source model"):
        save(replace(apart, proto=proto), tmp_path / "in.onnx.data", force=True)
    save(replace(apart, proto=proto), tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx.data").exists()


def test_another_file_is_replaced_only_by_force(loaded, tmp_path):
    target = tmp_path / "out.onnx"
    target.write_text("precious")
    with pytest.raises(ConversionError, match="already exists; add --force"):
        save(loaded, target)
    assert target.read_text() == "precious"
    save(loaded, target, force=True)
    assert same(arrays(target), arrays(tmp_path / "in.onnx"))


def test_both_files_are_replaced_together(apart, tmp_path):
    for name in ("out.onnx", "out.onnx.data"):
        (tmp_path / name).write_text("old")
    save(apart, tmp_path / "out.onnx", force=True)
    assert same(arrays(tmp_path / "out.onnx"), arrays(tmp_path / "in.onnx"))
    assert files(tmp_path) == ["in.onnx", "in.onnx.data", "out.onnx", "out.onnx.2.data"]


@pytest.mark.skipif(sys.platform != "linux", reason="names that are any bytes")
def test_a_data_file_has_a_name_that_models_can_store(apart, tmp_path):
    odd = tmp_path / os.fsdecode(b"\xff.onnx")
    with pytest.raises(ConversionError, match="UTF-8"):
        save(apart, odd)


def test_the_names_of_data_files_take_turns(apart, tmp_path):
    """So a replaced model can be read with its own weights until the end."""
    for name in ("out.onnx.data", "out.onnx.2.data", "out.onnx.data"):
        assert save(apart, tmp_path / "out.onnx", force=True)[1] == tmp_path / name
        assert same(arrays(tmp_path / "out.onnx"), arrays(tmp_path / "in.onnx"))
        assert files(tmp_path) == sorted(["in.onnx", "in.onnx.data", "out.onnx", name])


def test_a_data_file_without_a_model_is_not_overwritten(apart, tmp_path):
    (tmp_path / "out.onnx.data").write_text("precious")
    with pytest.raises(ConversionError, match=r"out\.onnx\.data: already exists; add --force"):
        save(apart, tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx.data").read_text() == "precious"


def test_data_of_the_input_survive_the_model_that_is_replaced(apart, tmp_path):
    """Two models may share a data file that is named after one of them."""
    onnx.save(model(), tmp_path / "out.onnx", save_as_external_data=True, location="out.onnx.data")
    (tmp_path / "shares.onnx").write_bytes((tmp_path / "out.onnx").read_bytes())
    with pytest.raises(ConversionError, match=r"out\.onnx\.data: is part of the source model"):
        save(load(tmp_path / "shares.onnx"), tmp_path / "out.onnx", force=True)
    assert arrays(tmp_path / "out.onnx")


@pytest.mark.parametrize("name", ["in.onnx", "in.onnx.data"])
@pytest.mark.parametrize("how", ["written to", "replaced", "removed"])
def test_a_model_that_changed_since_it_was_read_is_not_saved(apart, tmp_path, name, how):
    """Its weights are read from disk and would be those of another model."""
    path, other = tmp_path / name, tmp_path / "other"
    other.write_bytes(path.read_bytes())
    path.unlink()
    if how == "replaced":
        other.rename(path)
    elif how == "written to":
        path.write_bytes(other.read_bytes() + b"more")
    with pytest.raises((ModelError, ConversionError)):
        save(apart, tmp_path / "out.onnx")
    assert "out.onnx" not in files(tmp_path)


@pytest.mark.parametrize("which", [1, 2])
def test_a_rename_that_fails_keeps_what_was_there(apart, tmp_path, monkeypatch, which):
    for name in ("out.onnx", "out.onnx.data"):
        (tmp_path / name).write_text("old")
    calls, rename = [], os.replace

    def fragile(source, target):
        calls.append(target)
        if len(calls) == which:
            raise OSError(errno.EIO, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "replace", fragile)
    with pytest.raises(ConversionError, match="Input/output error; nothing was written"):
        save(apart, tmp_path / "out.onnx", force=True)
    assert {(tmp_path / f"out.onnx{end}").read_text() for end in ("", ".data")} == {"old"}
    assert files(tmp_path) == ["in.onnx", "in.onnx.data", "out.onnx", "out.onnx.data"]


@pytest.mark.parametrize("name", ["", "nowhere/out.onnx"])
def test_a_place_that_cannot_be_written_is_refused(loaded, tmp_path, name):
    with pytest.raises(ConversionError, match=r"a folder|does not exist; create it first"):
        save(loaded, tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links of POSIX")
@pytest.mark.parametrize("kind", ["pipe", "link to itself", "link to a pipe"])
def test_only_regular_files_are_replaced(loaded, tmp_path, kind):
    """As root, a rename would replace /dev/null."""
    target = tmp_path / "out.onnx"
    if kind == "link to itself":
        target.symlink_to(target)
    elif kind == "pipe":
        os.mkfifo(target)
    else:
        os.mkfifo(tmp_path / "pipe")
        target.symlink_to("pipe")
    before = files(tmp_path)
    with pytest.raises(ConversionError, match="not a regular file"):
        save(loaded, target, force=True)
    assert files(tmp_path) == before
    assert kind == "link to itself" or stat.S_ISFIFO(target.stat().st_mode)


def test_an_invalid_model_is_not_written(loaded, tmp_path):
    loaded.proto.graph.node[1].op_type = "NoSuchOperator"
    with pytest.raises(ConversionError, match="is not a valid model"):
        save(loaded, tmp_path / "out.onnx")
    assert files(tmp_path) == ["in.onnx"]


def test_a_model_that_was_invalid_before_may_be_saved(tmp_path):
    proto = model()
    proto.graph.node[1].op_type = "NoSuchOperator"
    onnx.save(proto, tmp_path / "in.onnx")
    save(load(tmp_path / "in.onnx"), tmp_path / "out.onnx")
    assert same(arrays(tmp_path / "out.onnx"), arrays(tmp_path / "in.onnx"))


def test_warnings_of_the_checker_are_not_printed(tmp_path, capfd):
    text = """<ir_version: 3, opset_import: ["" : 8]>
    g (float[1,4] x) => (float[1,4] y) { y = Affine <alpha = 2.0, beta = 1.0> (x) }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "in.onnx")
    onnx.checker.check_model(tmp_path / "in.onnx")
    assert "experimental" in capfd.readouterr().out
    save(load(tmp_path / "in.onnx"), tmp_path / "out.onnx")
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("apart")
def test_weights_that_are_gone_are_named(tmp_path):
    (tmp_path / "in.onnx.data").unlink()
    with pytest.raises(Exception, match=r"in\.onnx\.data: cannot read the data of tensor '.*'"):
        save(load(tmp_path / "in.onnx"), tmp_path / "out.onnx")
    assert files(tmp_path) == ["in.onnx"]


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not locked there")
@pytest.mark.usefixtures("apart")
def test_others_wait_while_data_and_then_the_model_are_put_in_place(tmp_path, monkeypatch):
    """Otherwise one process would remove the data that the other's model is about to use."""
    import fcntl

    refused = []

    def check(*_):
        folder = os.open(tmp_path, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            refused.append(error)
        finally:
            os.close(folder)

    monkeypatch.setattr(module, "_check", check)
    save(load(tmp_path / "in.onnx"), tmp_path / "out.onnx")
    assert refused


def run_script(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


FULL_DISK = """
import resource, signal, sys
from sepcost.model.load import load
from sepcost.model.save import save
model = load(sys.argv[1])
sys.dont_write_bytecode = True  # the limit would cut .pyc files off, which stay
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
try:
    save(model, sys.argv[2])
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files, as POSIX can")
def test_a_full_disk_leaves_nothing(loaded, tmp_path):
    out, _ = run_script(FULL_DISK, loaded.path, tmp_path / "out.onnx").communicate(timeout=60)
    assert out.startswith("ConversionError")
    assert "nothing was written" in out
    assert files(tmp_path) == ["in.onnx"]


KILLED = """
import sys, time
from sepcost.model import save as module
from sepcost.model.load import load
def slow(*arguments):
    print("writing", flush=True)
    time.sleep(60)
module._check = slow
module.save(load(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_kill_leaves_no_half_file(loaded, tmp_path, number):
    with run_script(KILLED, loaded.path, tmp_path / "out.onnx") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.send_signal(number)
        process.communicate(timeout=60)
    left = [name for name in files(tmp_path) if name != "in.onnx"]
    assert process.returncode != 0
    if number == signal.SIGKILL:  # no process can clean up then, but the names are recognisable
        assert [(name[0], name[-len(SUFFIX) :]) for name in left] == [(".", SUFFIX)]
        save(loaded, tmp_path / "out.onnx")  # the next write cleans up
        left = [name for name in files(tmp_path) if name not in {"in.onnx", "out.onnx"}]
    assert left == []


MEMORY = """
import resource, sys
from sepcost.model.load import load
from sepcost.model.save import save
model = load(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
save(model, sys.argv[2])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads peak memory as Linux reports it")
def test_weights_are_not_held_in_memory(tmp_path):
    proto = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,4096] x) => (float[1,4096] y) '
        "{ y = MatMul (x, w) }"
    )
    weight = np.ones((4096, 4096), np.float32)
    proto.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    onnx.save(proto, tmp_path / "in.onnx")
    process = run_script(MEMORY, tmp_path / "in.onnx", tmp_path / "out.onnx")
    out, _ = process.communicate(timeout=60)
    assert int(out) < weight.nbytes / 4
