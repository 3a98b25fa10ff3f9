"""No file does harm: sepcost counts it or refuses it in one line, whatever it contains."""

import csv
import faulthandler
import io
import json
import re
import subprocess
import sys
import unicodedata
from contextlib import contextmanager
from pathlib import Path

import onnx
import onnx.parser
import pytest
from hypothesis import HealthCheck, given, settings
from onnx import TensorProto, helper
from typer.testing import CliRunner

from sepcost.cli.app import app
from sepcost.errors import SepcostError
from sepcost.model.strip_weights import tagged
from sepcost.routes.analyze import analyze
from tests import mutations
from tests.report.render import render

#: A small model that takes longer has hung; the watchdog then ends the process.
PATIENCE_S = 60
CONTROLS = {"Cc", "Cf", "Cs", "Zl", "Zp"}
SHARED = sorted((Path(__file__).parents[2] / "shared" / "models").glob("*.onnx"))


@contextmanager
def watchdog():
    """End the process with a traceback if the block hangs, in Python or in C++."""
    faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def counted(path):
    """Count a file and write all its reports; return whether it was accepted."""
    with watchdog():
        try:
            found = analyze(path)
        except SepcostError:
            return False
        for kind in ("table", "markdown", "csv"):
            assert not controls(render("analyze", kind, [found]))
        json.loads(render("analyze", "json", [found]))
    return True


def controls(text):
    return {c for c in text if unicodedata.category(c) in CONTROLS} - {"\n"}


@given(mutations.mutated())
@settings(
    max_examples=600, derandomize=True, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_a_damaged_model_is_counted_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "mutated.onnx"
    path.write_bytes(data)
    counted(path)


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.stem)
def test_every_real_model_cut_short_is_refused_or_counted(path, tmp_path):
    data = path.read_bytes()
    cut = tmp_path / "cut.onnx"
    for share in (0.001, 0.01, 0.3, 0.5, 0.9, 0.999):
        cut.write_bytes(data[: int(len(data) * share)])
        counted(cut)


# the command line on files that are not models


def sepcost(*arguments, **environment):
    return CliRunner().invoke(
        app, ["analyze", *map(str, arguments)], env={"COLUMNS": None, "FORCE_COLOR": None}
        | environment,
    )  # fmt: skip


def refused(*arguments):
    result = sepcost(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert not controls(result.stderr)
    return result.stderr


def save(folder, text, opset=18):
    path = folder / "m.onnx"
    onnx.save(
        onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : {opset}]> {text}'), path
    )
    return path


FAULTS = {
    "a circle": "g (float[1] x) => (y) { a = Add (x, b) b = Relu (a) y = Relu (b) }",
    "read, never written": "g (float[1] x) => (y) { y = Add (x, \u202e) }".replace("\u202e", "z"),
    "an output of nothing": "g (float[1] x) => (float[1] z) { y = Relu (x) }",
    "written twice": "g (float[1] x) => (y) { y = Relu (x) y = Relu (x) }",
    "group 0": "g (float[1,4,8,8] x, float[4,4,3,3] w) => (y) { y = Conv <group = 0> (x, w) }",
    "stride 0": """g (float[1,4,8,8] x, float[4,4,3,3] w) => (y)
        { y = Conv <strides = [0, 0]> (x, w) }""",
    "a kernel that does not fit": """g (float[1,4,2,2] x, float[4,4,3,3] w) => (y)
        { y = Conv (x, w) }""",
    "channels that disagree": """g (float[1,5,8,8] x, float[4,4,3,3] w) => (y)
        { y = Conv (x, w) }""",
    "an axis out of range": "g (float[1,4] x) => (y) { y = Softmax <axis = 9> (x) }",
    "2^62 elements": "g (float[4611686018427387904,4] x) => (y) { y = Relu (x) }",
    "an overflow on the way": """g (float[1073741824,1073741824] x) => (y)
        { y = Concat <axis = 0> (x, x, x, x, x, x, x, x) }""",
    "no dimension that is": "g (float[1,H] x) => (y) { y = Relu (x) }",
}


@pytest.mark.parametrize("text", FAULTS.values(), ids=FAULTS)
def test_an_error_is_one_line(tmp_path, text):
    path = save(tmp_path, text)
    assert str(path) in refused(path)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0", b"\0" * 5000, b"\x08", b"hello", b"\xff" * 300, b"PK\x03\x04abc", b"\x80\x04.",
        b"<!doctype html>", b"{}", b"\x1b[31mred", b"version https://git-lfs.github.com/spec/v1",
        b"\x08\x0a", b"\x3a\xff\xff\xff\xff\x7f", b"\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    ],
)  # fmt: skip
def test_an_invalid_model_is_reported_in_one_line(tmp_path, content):
    path = tmp_path / "\x1b[31m\u202e\nred.onnx"
    path.write_bytes(content)
    assert r"\x1b[31m\u202e\nred.onnx" in refused(path)


def test_folders_and_devices_are_reported_in_one_line(tmp_path):
    assert "contains no file whose name ends in .onnx" in refused(tmp_path)
    for device in ("/dev/zero", "/dev/urandom", "/dev/null"):
        if Path(device).exists():
            assert "not a regular file" in refused(device)


def test_an_endless_stdin_is_reported_in_one_line():
    if not Path("/dev/zero").exists():
        pytest.skip("no /dev/zero here")
    with open("/dev/zero", "rb") as endless:
        result = subprocess.run(
            [sys.executable, "-m", "sepcost", "analyze", "-"],
            stdin=endless, capture_output=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.count(b"\n") == 1


# names

NASTY = (
    "\x1b[31mred\x1b[0m", "\x1b]8;;http://evil\x07link\x1b]8;;\x07", "line\r\nbreak", "\u202egpj",
    "[bold red]x[/]", "[link=http://evil]x[/link]", "`code` | cell", "<img src=x onerror=alert(1)>",
    "[text](http://evil)", "![](http://evil)", "@everyone #1", "=1+1", "+cmd|' /C calc'!A0",
    "-2+3", "@SUM(A1)", "\t=1+1", "＝1+1", "\x9b31m", "\u2028", "\0",
)  # fmt: skip


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    """A model in which every name is hostile."""
    nodes, inputs, outputs = [], [], []
    for name in NASTY:
        inputs.append(helper.make_tensor_value_info(f"{name}.x", TensorProto.FLOAT, [name, 3]))
        outputs.append(helper.make_tensor_value_info(f"{name}.z", TensorProto.FLOAT, None))
        nodes += [
            helper.make_node("Relu", [f"{name}.x"], [f"{name}.y"], name),
            helper.make_node(f"{name}Op", [f"{name}.y"], [f"{name}.z"], name, domain=name),
        ]
    graph = helper.make_graph(nodes, NASTY[0], inputs, outputs)
    opsets = [helper.make_opsetid(name, 1) for name in NASTY] + [helper.make_opsetid("", 18)]
    path = tmp_path_factory.mktemp("nasty") / "nasty.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


def report(path, kind, *arguments, **environment):
    result = sepcost(path, "--format", kind, *arguments, **environment)
    assert result.exit_code == 0, result.stderr
    assert not controls(result.stderr)
    return result.stdout


BY = pytest.mark.parametrize("by", ["layer", "op", "scope", "kernel", "model"])


@BY
@pytest.mark.parametrize("kind", ["table", "csv", "markdown"])
def test_names_never_contain_control_characters(nasty, by, kind):
    assert not controls(report(nasty, kind, "--by", by))


@BY
def test_names_never_colour_a_terminal(nasty, by):
    text = report(nasty, "table", "--by", by, FORCE_COLOR="1")
    ours = re.sub(r"\x1b\[[0-9;]*m", "", text)  # the package's own colours
    assert "\x1b" not in ours
    assert "\x1b[31m" not in text
    if by == "layer":
        assert "[bold red]x[/]" in ours


@BY
def test_names_are_not_markdown(nasty, by):
    bare = re.sub(r"`[^`\n]*`", "", report(nasty, "markdown", "--by", by))
    assert not re.search(r"[<\[\]@#]|http|!\(", bare)
    rows = [line for line in bare.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) <= 2  # rows, and layers that were not counted


@BY
def test_names_are_not_formulas(nasty, by):
    rows = csv.reader(io.StringIO(report(nasty, "csv", "--by", by)))
    assert not [cell for row in rows for cell in row if re.match(r"\s*[=+\-@＝＋－＠]", cell)]


def test_json_keeps_names_as_they_are(nasty):
    document = json.loads(report(nasty, "json"))
    names = [layer["name"] for layer in document["models"][0]["layers"]]
    assert names == [name for name in NASTY for _ in range(2)]


def test_names_of_a_megabyte_are_cut(tmp_path):
    name = "x" * 10**6
    path = save(tmp_path, f"g (float[1] {name}) => (y) {{ y = Relu ({name}) }}")
    for kind in ("table", "markdown"):
        assert len(report(path, kind)) < 5000
    bad = save(tmp_path, f"g (float[1] x) => (y) {{ y = Add (x, {name}) }}")
    assert len(refused(bad)) < 5000


# size

#: A child that counts files within a memory limit on top of its imports.
MORE_MB = 400
LIMITED = """
import resource, sys, time
import onnx, sepcost, sepcost.model.describe, sepcost.cost.count
from sepcost.errors import SepcostError
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + {more} * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for path in sys.argv[1:]:
    try:
        found = sepcost.analyze(path)
        print("counted", found.totals.macs)
    except SepcostError as error:
        print("refused", str(error)[:200])
"""


def in_little_memory(*paths):
    """Count files in a child with little memory; return one line per file."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("memory is limited through /proc")
    result = subprocess.run(
        [sys.executable, "-c", LIMITED.format(more=MORE_MB), *map(str, paths)],
        capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


HUGE, MANY = 2**62, 2**40
BOMBS = {
    "dims": f"g (float[{MANY},{MANY}] x) => (y) {{ y = Relu (x) }}",
    "Expand": f"g (float[1] x) => (y) <int64[1] s = {{{MANY}}}> {{ y = Expand (x, s) }}",
    "Expand of a constant": f"""g () => (y) <float[1] x = {{1}}, int64[1] s = {{{MANY}}}>
        {{ y = Expand (x, s) }}""",
    "Expand to many axes": f"g (float[1] x, int64[{MANY}] s) => (y) {{ y = Expand (x, s) }}",
    "ConstantOfShape": f"""g () => (y) <int64[2] s = {{{MANY}, 1000000}}>
        {{ y = ConstantOfShape (s) }}""",
    "ConstantOfShape, then arithmetic": f"""g () => (y) <int64[1] s = {{{MANY}}}>
        {{ a = ConstantOfShape (s) b = Add (a, a) y = Concat <axis = 0> (b, b) }}""",
    "Range": f"""g () => (y) <int64 a = {{0}}, int64 b = {{{HUGE}}}, int64 c = {{1}}>
        {{ y = Range (a, b, c) }}""",
    "Tile": f"""g () => (y) <float[2] x = {{1, 2}}, int64[1] r = {{{MANY}}}>
        {{ y = Tile (x, r) }}""",
    "OneHot": f"""g () => (y) <int64[2] i = {{0, 1}}, int64 d = {{{MANY}}}, float[2] v = {{0, 1}}>
        {{ y = OneHot (i, d, v) }}""",
    "Pad": f"""g () => (y) <float[1] x = {{1}}, int64[2] p = {{{MANY}, {MANY}}}>
        {{ y = Pad (x, p) }}""",
    "Resize": f"""g (float[1,1,8,8] x) => (y) <int64[4] s = {{1, 1, {2**30}, {2**30}}}>
        {{ y = Resize (x, , , s) }}""",
    "EyeLike": f"g (float[{MANY},{MANY}] x) => (y) {{ y = EyeLike (x) }}",
    "Split": f"g (float[6] x) => (a, b) {{ a, b = Split <num_outputs = {MANY}> (x) }}",
    "windows": f"g () => (y) <int64 n = {{{MANY}}}> {{ y = HannWindow (n) }}",
    "broadcast": f"""g (float[{2**20},1] x, float[1,{2**20}] z) => (y)
        {{ a = Add (x, z) y = MatMul (a, a) }}""",
    "many trips": f"""g (float[4,4] x) => (y) <int64 n = {{{HUGE}}}, bool c = {{1}}> {{
        y = Loop (n, c, x) <body = b (int64 i, bool k, float[4,4] v) => (bool k2, float[4,4] w)
            {{ k2 = Identity (k) w = MatMul (v, v) }}> }}""",
    "collected trips": f"""g (float[4,4] x) => (y, z) <int64 n = {{{MANY}}}, bool c = {{1}}> {{
        y, z = Loop (n, c, x) <body = b (int64 i, bool k, float[4,4] v)
            => (bool k2, float[4,4] w, float[4,4] u)
            {{ k2 = Identity (k) w = MatMul (v, v) u = Identity (w) }}> }}""",
}


def test_size_bombs_are_refused_in_little_memory(tmp_path):
    paths = []
    for number, text in enumerate(BOMBS.values()):
        (tmp_path / str(number)).mkdir()
        paths.append(save(tmp_path / str(number), text))
    told = dict(zip(BOMBS, in_little_memory(*paths), strict=True))
    assert all(line.startswith(("counted ", "refused ")) for line in told.values())
    assert told["many trips"] == f"counted {64 * HUGE}"
    assert told["broadcast"] == f"counted {2**60}"
    assert told["Expand"] == "counted 0"


def doubling(depth):
    """Functions that each call the next function twice."""
    functions = [
        helper.make_function(
            "local", f"f{level}", ["x"], ["y"],
            [
                helper.make_node(f"f{level + 1}", ["x"], ["a"], domain="local"),
                helper.make_node(f"f{level + 1}", ["a"], ["y"], domain="local"),
            ],
            [helper.make_opsetid("local", 1)],
        )
        for level in range(depth)
    ]  # fmt: skip
    last = helper.make_function(
        "local", f"f{depth}", ["x"], ["y"], [helper.make_node("MatMul", ["x", "x"], ["y"])],
        [helper.make_opsetid("", 18)],
    )  # fmt: skip
    return called(helper.make_node("f0", ["x"], ["y"], domain="local"), [*functions, last])


def called(node, functions=()):
    x, y = (helper.make_tensor_value_info(name, 1, [2, 2]) for name in "xy")
    graph = helper.make_graph([node], "g", [x], [y])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    return helper.make_model(graph, functions=functions, opset_imports=opsets, ir_version=10)


def loops(depth):
    """Nested loops of two trips, with a MatMul in the innermost one."""
    node = helper.make_node("MatMul", ["x", "x"], ["y"])
    for level in range(depth):
        out = helper.make_tensor_value_info(node.output[0], 1, None)
        node = _loop(node, out, f"y{level}", level)
    node.output[0] = "y"
    model = called(node)
    model.graph.initializer.append(helper.make_tensor("n", 7, [], [2]))
    return model.SerializeToString()


def ifs(depth):
    """Nested Ifs as bytes, because protobuf's own writer refuses 50 levels."""
    graph = called(helper.make_node("MatMul", ["x", "x"], ["y"])).graph
    del graph.input[:]
    inner = graph.SerializeToString()
    empty = called(helper.make_node("Identity", ["x"], ["y"])).graph
    del empty.input[:]
    other = tagged(1, b"else_branch") + tagged(6, empty.SerializeToString()) + TYPE_GRAPH
    for _ in range(depth):
        one = tagged(1, b"then_branch") + tagged(6, inner) + TYPE_GRAPH
        node = tagged(1, b"c") + tagged(2, b"y") + tagged(4, b"If") + tagged(5, one)
        inner = tagged(1, node + tagged(5, other)) + tagged(12, tagged(1, b"y"))
    model = called(helper.make_node("Identity", ["x"], ["unused"]))
    model.graph.ClearField("node")
    model.graph.ClearField("output")
    model.graph.input.append(helper.make_tensor_value_info("c", TensorProto.BOOL, []))
    return model.SerializeToString() + tagged(7, inner)  # protobuf merges the two graphs


#: AttributeProto.type = GRAPH.
TYPE_GRAPH = bytes((0xA0, 0x01, 0x05))


def _loop(node, out, name, level):
    carried = [
        helper.make_tensor_value_info(f"i{level}", TensorProto.INT64, []),
        helper.make_tensor_value_info(f"k{level}", TensorProto.BOOL, []),
        helper.make_tensor_value_info(f"v{level}", 1, None),
    ]
    keep = helper.make_node("Identity", [f"k{level}"], [f"l{level}"])
    kept = helper.make_tensor_value_info(f"l{level}", TensorProto.BOOL, [])
    body = helper.make_graph([keep, node], "b", carried, [kept, out])
    return helper.make_node("Loop", ["n", "", "x"], [name], body=body)


def test_depth_bombs_are_refused_in_little_memory(tmp_path):
    models = {
        "2^10 calls": doubling(10),
        "2^60 calls": doubling(60),
        "itself": called(
            helper.make_node("f", ["x"], ["y"], domain="local"),
            [helper.make_function(
                "local", "f", ["x"], ["y"], [helper.make_node("f", ["x"], ["y"], domain="local")],
                [helper.make_opsetid("local", 1)],
            )],
        ),
        "10 Ifs": ifs(10),
        "50 Ifs": ifs(50),
        "5 Loops": loops(5),
        "25 Loops": loops(25),
    }  # fmt: skip
    paths = []
    for name, model in models.items():
        paths.append(tmp_path / f"{name}.onnx")
        paths[-1].write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    told = dict(zip(models, in_little_memory(*paths), strict=True))
    assert all(line.startswith(("counted ", "refused ")) for line in told.values())
    assert told["2^10 calls"] == f"counted {8 * 2**10}"
    assert told["2^60 calls"].startswith("refused ")
    assert told["itself"].startswith("refused ")
    assert told["10 Ifs"] == "counted 8"
    assert told["5 Loops"] == f"counted {8 * 2**5}"


def test_a_network_of_twenty_thousand_nodes(tmp_path):
    body = "\n".join(f"v{k + 1} = MatMul (v{k}, v{k})" for k in range(20_000))
    path = save(tmp_path, f"g (float[2,2] v0) => (v20000) {{ {body} }}")
    with watchdog():
        found = analyze(path)
    assert len(found.rows) == 20_000
    assert found.totals.macs == 8 * 20_000
