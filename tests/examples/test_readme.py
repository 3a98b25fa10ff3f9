"""Every command of the README works, and prints what the README shows."""

import re
import shlex
import shutil
import sys

import numpy as np
import onnxruntime
import pytest
from onnx import numpy_helper

from sepcost.latency import survey
from sepcost.model import spec
from tests.cli import models
from tests.evidence.repository import commit, git, init
from tests.examples.commands import ROOT, blocks, commands, run, tools

README = ROOT / "README.md"
COMMANDS = commands(README)
#: The output of these commands is the same on every machine.
STABLE = ("sepcost analyze ", "sepcost check mobilenet", "sepcost diff ", "sepcost networks")
#: A busy machine may miss a measured goal: exit 1.
MEASURED = ("--speedup",)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are for bash")

SAMPLES = 1536  # a quarter is held out: enough to show a loss of at most 1 %
LARGE = "input = [3, 320, 320]\nlayers = [{ conv = 8, stride = 8 }, { conv = 8 }]"
REGULAR = "input = [512, 14, 14]\nlayers = [{ conv = 512, repeat = 5 }]"
PLAIN = """input = [3, 16, 16]
layers = [{ conv = 16, activation = "relu" }, { conv = 32 }, "global_pool", { linear = 10 }]"""
#: Depthwise, then pointwise, with dynamic sizes.
DETECTOR = """g (float[N, 3, H, W] input) => (float[N, 1, H, W] y)
    <float[3, 1, 1, 1] d = {1, 2, 3}, float[1, 3, 1, 1] p = {1, 2, 3}>
    { h = Conv <group = 3> (input, d)  y = Conv (h, p) }"""


def example(language, words):
    """The block of the README in this language that contains these words."""
    (found,) = [b.text for b in blocks(README) if b.language == language and words in b.text]
    return found


def separable(model):
    """Give 3×3 convolutions weights that are nearly depthwise-separable."""
    draw = np.random.default_rng(1).standard_normal
    for tensor in model.graph.initializer:
        if len(tensor.dims) == 4:
            outputs, inputs, *kernel = tensor.dims
            taps, mix = draw((1, inputs, *kernel)), draw((outputs, inputs, 1, 1))
            noise = 0.01 * draw((outputs, inputs, *kernel))
            weight = (taps * mix + noise) / np.sqrt(9 * inputs)
            tensor.CopyFrom(numpy_helper.from_array(weight.astype(np.float32), tensor.name))


@pytest.fixture(scope="module")
def furnished(tmp_path_factory):
    """A folder with all files that the README names, in a git repository."""
    folder = tmp_path_factory.mktemp("readme")
    separated = PLAIN.replace("conv =", "separable_conv =")
    named = {"model": LARGE, "old": PLAIN, "m": PLAIN, "vgg": PLAIN, "new": separated}
    for name, text in named.items():
        model = spec.build(text + "\n")
        if text == PLAIN:
            separable(model)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    (folder / "regular.toml").write_text(REGULAR)
    (folder / "separable.toml").write_text(REGULAR.replace("conv =", "separable_conv ="))
    draw = np.random.default_rng(0).standard_normal
    np.savez(folder / "x.npz", input=draw((8, 3, 320, 320), np.float32))
    images = draw((SAMPLES, 3, 16, 16), np.float32)
    session = onnxruntime.InferenceSession(folder / "m.onnx", providers=["CPUExecutionProvider"])
    labels = session.run(None, {"input": images})[0].argmax(axis=1)
    np.savez(folder / "data.npz", input=images, labels=labels)
    (folder / "models").mkdir()
    models.save(folder / "models", DETECTOR, "detector.onnx")
    (folder / "sepcost.toml").write_text(example("toml", "[budgets."))
    init(folder)
    commit(folder)
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


@pytest.fixture
def folder(furnished, tmp_path):
    """A copy of the folder that a command may change."""
    return shutil.copytree(furnished, tmp_path / "work")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    found = tmp_path_factory.mktemp("bin")
    tools(found)
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.line[:60])
def test_the_command(command, folder, programs):
    if "--provider" in command.line:
        unusable = [each.name for each in survey.providers() if not each.usable]
        if missing := [name for name in unusable if name in command.line]:
            pytest.skip(f"no device for {missing[0]} here")
    stable = command.line.startswith(STABLE)
    done = run(command.line, folder, programs, columns=80 if stable else 200)
    assert done.returncode in exit_codes(command), done.stdout + done.stderr
    words = shlex.split(command.line, comments=True)
    if "-o" in words and words[1] != "convert":
        assert (folder / words[words.index("-o") + 1]).stat().st_size
    else:
        assert done.stdout
    if stable:
        lines = iter(line.rstrip() for line in done.stdout.splitlines())
        for shown in command.shown:
            assert shown in lines, f"{shown}\nis not, or not in this order, in\n{done.stdout}"
    printed = [re.split("  +", line.strip()) for line in done.stdout.splitlines()]
    for heads in headings(command):
        assert any(set(heads) <= set(line) for line in printed), f"{heads}: not in {done.stdout}"


def exit_codes(command):
    """1 if the README shows an exceeded budget; 0 or 1 if a busy machine may miss the goal."""
    if any(line.startswith("FAIL") for line in command.shown):
        return {1}
    return {0, 1} if any(word in command.line for word in MEASURED) else {0}


def headings(command):
    """The column headings of the tables that the README shows, each above a rule."""
    pairs = zip(command.shown, command.shown[1:], strict=False)
    return [re.split("  +", line.strip()) for line, rule in pairs if set(rule) == {"─"}]


def test_the_commands_are_found():
    assert len(COMMANDS) > 20
    assert {line.split()[1] for line in (c.line for c in COMMANDS)} >= {
        "analyze", "bench", "convert", "check", "diff",
    }  # fmt: skip
    assert sum(bool(command.shown) for command in COMMANDS) >= 7
    assert sum(len(headings(command)) for command in COMMANDS) >= 5


@pytest.mark.parametrize(
    "block", [b for b in blocks(README) if b.language == "python"], ids=lambda _: "python"
)
def test_the_python(block, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    exec(compile(block.text, str(README), "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out


def test_the_layer_spec_is_one(folder, programs):
    (folder / "small.toml").write_text(example("toml", "[blocks.residual]"))
    done = run("sepcost analyze small.toml --alpha 0.75 --rho 0.714", folder, programs)
    assert done.returncode == 0, done.stderr
