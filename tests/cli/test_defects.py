"""Any defect of a file in a folder is one row with its reason; the other files are analyzed."""

import csv
import io
import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from sepcost.cli.app import app

RUNNER = CliRunner()


def model(shape=(1, 3, 8, 8), **attributes):
    weight = numpy_helper.from_array(np.zeros((8, 3, 3, 3), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], "conv", **attributes)], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [weight],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def elsewhere(location, **numbers):
    """A model whose weight is in another file."""
    proto = model()
    weight = proto.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **numbers}.items():
        entry = weight.external_data.add()
        entry.key, entry.value = key, str(value)
    return proto


def changed(change):
    proto = model()
    change(proto)
    return proto


def _twice(proto):
    proto.graph.node.append(proto.graph.node[0])


def _of_itself(proto):
    proto.graph.node[0].input[0] = "y"


WHOLE = model().SerializeToString()
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 9\n"
#: Files that runtimes refuse too.
DEFECTS = {
    "empty": b"",
    "json": b"{}",
    "zeros": b"\0" * 99,
    "noise": np.random.default_rng(0).bytes(999),
    "cut": WHOLE[:-40],
    "pointer": POINTER,
    "page": b"<!DOCTYPE html>",
    "zip": b"PK\x03\x04" + b"\0" * 99,
    "new\nline": WHOLE[:50],
    "esc\x1b[31m": WHOLE[:50],
    "no opset": changed(lambda proto: proto.ClearField("opset_import")),
    "no node": changed(lambda proto: proto.graph.ClearField("node")),
    "reads nothing": changed(lambda proto: proto.graph.node[0].input.__setitem__(0, "gone")),
    "cycle": changed(_of_itself),
    "written twice": changed(_twice),
    "short weight": changed(lambda proto: setattr(proto.graph.initializer[0], "raw_data", b"12")),
    "endless weight": changed(lambda proto: proto.graph.initializer[0].dims.append(2**60)),
    "hostile path": elsewhere("../../etc/passwd"),
    "absolute path": elsewhere("/etc/passwd"),
    "offset": elsewhere("data", offset=2**70),
    "negative offset": elsewhere("data", offset=-1),
    "unbound": model((1, 3, "H", "W")),
    "negative size": model((1, 3, -5, 8)),
    "endless size": model((1, 3, 2**62, 2**62)),
    "rank": model((1, 3)),
    "auto_pad": model(auto_pad="SAMEISH"),
    "auto_pad bytes": model(auto_pad=b"\xff"),
    "strides": model(strides=[0, 0]),
    "group": model(group=0),
    "kind": model(group="one"),
}
#: Files with a defect that does not matter for counting.
COUNTED = {
    "value": WHOLE.replace(b"\x0a\x01x", b"\x0a\x01\xff"),
    "node": WHOLE.replace(b"conv", b"c\xffnv"),
    "absent": elsewhere("gone.bin"),
    "data pointer": elsewhere("pointer.onnx"),
}
SOUND = ["a.onnx", "z.onnx"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("zoo").mkdir()
    for name, data in {"a": model(), "z": model(), **DEFECTS, **COUNTED}.items():
        raw = data if isinstance(data, bytes) else data.SerializeToString()
        (Path("zoo") / f"{name}.onnx").write_bytes(raw)


def run(*arguments):
    result = RUNNER.invoke(app, arguments, env={"COLUMNS": None, "FORCE_COLOR": None})
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    assert "unexpected" not in result.stderr
    assert result.stderr.count("sepcost: error: ") == len(DEFECTS)
    return result.stdout


BROKEN = sorted(f"zoo/{name}.onnx" for name in DEFECTS)
READ = sorted([f"zoo/{name}.onnx" for name in COUNTED] + [f"zoo/{name}" for name in SOUND])
ROWS = r"^zoo/.*\.onnx"


def test_every_file_is_a_row_of_the_analysis():
    found = json.loads(run("analyze", "zoo", "-f", "json"))
    assert [each["source"] for each in found["errors"]] == BROKEN
    assert [each["source"] for each in found["models"]] == READ
    assert {each["totals"]["macs"] for each in found["models"]} == {8 * 3 * 9 * 36}
    assert not any(each["message"].startswith("zoo/") for each in found["errors"])
    rows = list(csv.DictReader(io.StringIO(run("analyze", "zoo", "-f", "csv"))))
    assert len([row for row in rows if row["error"]]) == len(BROKEN)
    assert len([row for row in rows if row["macs"]]) == len(READ)


@pytest.mark.parametrize("format_", ["table", "markdown", "html"])
def test_every_defect_is_named_in_the_report(format_):
    text = run("analyze", "zoo", "-f", format_)
    for name in ("cut", "pointer", "cycle", "hostile path", "kind"):
        assert f"zoo/{name}.onnx" in text


def test_every_file_is_judged_or_an_error_in_ci():
    budgets = ("--max-macs", "1M")
    found = json.loads(run("check", "zoo", *budgets, "-f", "json"))
    status = {each["model"]: each["status"] for each in found["verdicts"]}
    assert sorted(name for name, each in status.items() if each == "error") == BROKEN
    assert sorted(name for name, each in status.items() if each == "ok") == READ
    junit = ElementTree.fromstring(run("check", "zoo", *budgets, "-f", "junit"))
    assert len(list(junit.iter("error"))) == len(BROKEN)
    (sarif,) = json.loads(run("check", "zoo", *budgets, "-f", "sarif"))["runs"]
    assert len(sarif["results"]) == len(BROKEN)
    assert len(json.loads(run("check", "zoo", *budgets, "-f", "gitlab"))) == len(BROKEN)
    table = run("check", "zoo", *budgets)
    assert len(re.findall(r"^error +zoo/", table, re.MULTILINE)) == len(BROKEN)
    for format_ in ("markdown", "github", "html"):
        assert "zoo/absolute path.onnx" in run("check", "zoo", *budgets, "-f", format_)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_missing_file_is_a_row_too():
    os.mkfifo("zoo/pipe.onnx")
    Path("zoo/dead.onnx").symlink_to("nowhere")
    Path("zoo/circle.onnx").symlink_to("circle.onnx")
    Path("zoo/endless.onnx").symlink_to("/dev/zero")
    result = RUNNER.invoke(app, ["analyze", "zoo", "-f", "json"])
    found = {each["source"] for each in json.loads(result.stdout)["errors"]}
    names = {"pipe", "dead", "circle", "endless"}
    assert found == {*BROKEN, *(f"zoo/{name}.onnx" for name in names)}
