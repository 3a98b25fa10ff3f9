"""A wrong spec gives one line: the place, the expected value, the closest valid word."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from sepcost.errors import SpecError
from sepcost.model.spec import build
from sepcost.model.spec.source import MAX_BYTES
from tests.model.spec.test_spec import EVERYTHING

TOP = "input = [3, 8, 8]\n"


def message(text: str, **options: float) -> str:
    with pytest.raises(SpecError) as caught:
        build(text, weights=False, origin="f.toml", **options)
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (
            "[\n{ conv = 3, strid = 2 }]",
            "f.toml:3: strid: unknown key in conv; did you mean 'stride'?",
        ),
        ("[\n{ cnov = 3 }]", "f.toml:3: cnov: unknown kind of layer; did you mean 'conv'?"),
        ('["relu",\n"rleu"]', "f.toml:3: layers: unknown layer 'rleu'; did you mean 'relu'?"),
        ('["conv"]', "f.toml:2: layers: 'conv' needs a value: { conv = ... }"),
        ("[3]", "f.toml:2: layers: expected a layer such as { conv = 32 } or 'relu', not 3"),
        ("[]", "f.toml:2: layers: expected a list of at least one layer, not []"),
        ("[{ stride = 2 }]", "f.toml:2: stride: unknown kind of layer"),
        ("[{ repeat = 2 }]", "f.toml:2: layers: a layer needs a kind"),
        (
            "[{ conv = 3, relu = true }]",
            "one layer cannot be conv and relu: write activation = 'relu'",
        ),
        ('[{ conv = 3, pool = "max" }]', "one layer cannot be conv and pool: write two layers"),
        ("[{ conv = 3.5 }]", "conv: expected an integer from 1 to 16777216, not 3.5"),
        ("[{ conv = true }]", "conv: expected an integer from 1 to 16777216, not true"),
        ("[{ conv = 0 }]", "conv: expected an integer from 1 to 16777216, not 0"),
        ("[{ conv = 3, kernel = [3] }]", "kernel: expected 2 integers, one per spatial axis"),
        ("[{ conv = 3, padding = -1 }]", "padding: expected an integer from 0"),
        ('[{ conv = 3, padding = "full" }]', "padding: unknown word 'full'"),
        ("[{ conv = 3, bias = 1 }]", "bias: expected true or false, not 1"),
        (
            '[{ conv = 3, activation = "rellu" }]',
            "activation: unknown word 'rellu'; did you mean 'relu'",
        ),
        (
            "[{ conv = 4, groups = 2 }]",
            "groups: 2 groups must divide 3 input and 4 output channels",
        ),
        (
            '[{ conv = 4, kernel = 9, padding = "valid" }]',
            "kernel: a kernel that spans 9 positions is larger",
        ),
        (
            '[{ conv = 4, kernel = 3, dilation = 4, padding = "valid" }]',
            "a kernel that spans 9 positions",
        ),
        ('[{ pool = "max", kernel = 9 }]', "kernel: a kernel that spans 9 positions is larger"),
        ('[{ pool = "max", padding = 2 }]', "padding: padding must be smaller than the kernel"),
        ('[{ pool = "mean" }]', "pool: unknown word 'mean'"),
        (
            '["flatten", { conv = 4 }]',
            "conv: needs an input with spatial axes, but its input is flat",
        ),
        ('["flatten", "global_pool"]', "global_pool: needs an input with spatial axes"),
        ("[{ flatten = false }]", "flatten: expected true"),
        ("[{ dropout = 2 }]", "dropout: expected a rate from 0 to 1, not 2"),
        ('["dropout"]', "layers: no layer computes anything"),
        ('[{ conv = 4, name = "a" }, { conv = 4, from = "b" }]', "from: no layer named 'b' before"),
        ('[{ conv = 4, name = "a" }, { conv = 4, name = "a" }]', "name: 'a' is already used"),
        ('[{ conv = 4, name = "input" }]', "name: expected a name"),
        ('[{ conv = 4, name = "a/b" }]', "name: expected a name"),
        ('[{ conv = 4 }, { add = "input" }]', "add: the inputs differ in shape: 4x8x8 and 3x8x8"),
        (
            '[{ pool = "max" }, { concat = "input" }]',
            "concat: the inputs differ in more than channels",
        ),
        ('[{ pool = "max" }, { multiply = "input" }]', "multiply: the inputs differ in shape"),
        ('["relu", { add = ["input"] }]', "add: expected at least two names"),
        ("[{ add = 3 }]", "add: expected the name of a layer, not 3"),
        (
            '[{ conv = 4 }, { conv = 4, from = "input" }]',
            "conv: the output of this layer is not used",
        ),
        ("[{ conv = 4, alpha = 0 }]", "alpha: expected a number above 0, not 0"),
        ('[{ conv = "$x" }]', "conv: '$x' is not defined"),
        ('[{ conv = "2 ** $in" }]', "conv: cannot read '2 ** $in'"),
        ('[{ conv = "$in / 2" }]', "conv: cannot read '$in / 2': 2 does not divide 3"),
        ('[{ conv = "$in / 0" }]', "conv: cannot read '$in / 0'"),
        ('[{ conv = "1 - $in" }]', "conv: expected an integer from 1 to 16777216, not -2"),
        ('[{ conv = "$in.real" }]', "conv: cannot read '$in.real'"),
        ('[{ block = "b" }]', "block: unknown block 'b'; the spec defines none"),
    ],
)
def test_layers(layers: str, expected: str) -> None:
    assert expected in message(f"{TOP}layers = {layers}")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            "block = 'twin', c = 4, s = 1",
            "f.toml:3: block: unknown block 'twin'; did you mean 'twins'",
        ),
        ("block = 'twins', s = 1", "f.toml:3: block: block 'twins' needs 'c'"),
        ("block = 'twins', c = 4, st = 1", "f.toml:3: st: block 'twins' has no such parameter"),
        ("block = 'twins', c = '$in', s = 1", "f.toml:3: c: '$in' cannot be passed to a block"),
        (
            "block = 'twins', c = 4, s = 'x'",
            "f.toml:7: stride: expected an integer or a list of 2, not 'x' "
            "(in the block called on line 3)",
        ),
        (
            "block = 'loop'",
            "f.toml:11: block: the block calls itself: loop > loop (in the block called on line 3)",
        ),
    ],
)
def test_blocks(call: str, expected: str) -> None:
    text = f"""{TOP}layers = [
  {{ {call} }},
]
[blocks.twins]
layers = [
  {{ conv = "$c", stride = "$s" }}, {{ conv = "$c" }},
]
[blocks.loop]
layers = [ "relu",
  {{ block = "loop" }},
]
"""
    assert expected in message(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n", "f.toml:1: the spec has no 'input'"),
        (TOP, "f.toml:1: the spec has no 'layers'"),
        (
            f'{TOP}layer = ["relu"]',
            "f.toml:2: layer: unknown key in a layer spec; did you mean 'layers'",
        ),
        ('input = 3\nlayers = ["relu"]', "f.toml:1: input: expected [channels, height, width]"),
        ('input = [3, 0]\nlayers = ["relu"]', "f.toml:1: input: expected an integer from 1"),
        (f'{TOP}alpha = 0\nlayers = ["relu"]', "f.toml:2: alpha: expected a number above 0, not 0"),
        (f'{TOP}rho = nan\nlayers = ["relu"]', "f.toml:2: rho: expected a number above 0, not nan"),
        (f'{TOP}name = 3\nlayers = ["relu"]', "f.toml:2: name: expected a string, not 3"),
        (f'{TOP}name = "\\u001b"\nlayers = ["relu"]', "name: expected one printable line"),
        (
            f'{TOP}defaults = {{ kernel = 3 }}\nlayers = ["relu"]',
            "f.toml:2: kernel: unknown key in defaults",
        ),
        (f'{TOP}blocks = 3\nlayers = ["relu"]', "f.toml:2: blocks: expected a table, not 3"),
        (f'{TOP}layers = ["relu"]\n[blocks.b]\n', "f.toml:3: b: a block needs 'layers'"),
        (f"{TOP}layers = [{{ conv = }}]", "f.toml:2: not valid TOML: Invalid value (column 20)"),
        (f"{TOP}layers = [", "f.toml:2: not valid TOML"),
        (
            f'{TOP}layers = ["relu"]\nlayers = ["relu"]',
            "f.toml:3: not valid TOML: Cannot overwrite",
        ),
    ],
)
def test_the_top_level(text: str, expected: str) -> None:
    assert expected in message(text)


@pytest.mark.parametrize(
    "text",
    [
        f'{TOP}layers = [{{ dropout = 0.5, repeat = 1000000000 }}, "relu"]',
        TOP + "layers = [{ repeat = 9999, layers = [{ dropout = 0, repeat = 9999 }] }]",
        f"{TOP}layers = [{{ conv = {2**62} }}]",
        f"{TOP}layers = [{{ conv = 0x{'f' * 5000} }}]",
        f"{TOP}layers = [{{ conv = {'9' * 5000} }}]",
        f"{TOP}layers = [{{ conv = {2**24} }}, {{ conv = {2**24} }}]",
        f"{TOP}layers = [{{ conv = {2**24}, padding = {2**24} }}]",
        f"input = [{2**24}, {2**24}]\nlayers = ['relu']",
        f"{TOP}layers = {'[' * 5000}{']' * 5000}",
        f"{TOP}layers = {'[{layers=' * 40}['relu']{'}]' * 40}",
        f"{TOP}layers = [{{ conv = '{'(' * 90}$in' }}]",
        f"{TOP}layers = [{{ conv = '$in{' + $in' * 5000}' }}]",
        f"{TOP}layers = [{{ conv = '${'x' * 5000}' }}]",
        TOP + "layers = [{ concat = [" + "'input', " * 40000 + "], repeat = 9999 }]",
        TOP
        + "layers = [{ block = 'b0' }]\n"
        + "".join(
            f"[blocks.b{n}]\nlayers = [{{ block = 'b{n + 1}', repeat = 9 }}]\n" for n in range(15)
        )
        + "[blocks.b15]\nlayers = ['dropout']",
    ],
    ids=range(15),
)
def test_growth_is_limited(text: str) -> None:
    assert len(message(text)) < 400


def test_a_chain_of_sums_neither_overflows_nor_vanishes() -> None:
    layers = "{ add = 'previous', repeat = 2000 }, { multiply = 'previous', repeat = 2000 }"
    weight = build(f"{TOP}layers = [{layers}, {{ conv = 1 }}]\n").graph.initializer[0]
    values = numpy_helper.to_array(weight)
    assert 0 < abs(values).max() < np.inf


def test_weights_beyond_one_file_are_refused_but_can_be_counted() -> None:
    text = "input = [30000]\nlayers = [{ linear = 30000 }]"
    assert list(build(text, weights=False).graph.initializer[0].dims) == [30000, 30000]
    with pytest.raises(SpecError, match="2 GiB"):
        build(text)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "x"])
def test_the_callers_multipliers_are_checked(value: float) -> None:
    assert message(f"{TOP}layers = ['relu']", alpha=value).startswith("--alpha ")
    assert message(f"{TOP}layers = ['relu']", rho=value).startswith("--rho ")


def test_files(tmp_path: Path) -> None:
    for name, content, expected in [
        ("none.toml", None, "No such file"),
        ("empty.toml", b"", "empty.toml:1: the spec has no 'input'"),
        ("binary.toml", b"a = 1\n\xff\xfe", "binary.toml:2: not UTF-8"),
        ("large.toml", b"#" * (MAX_BYTES + 1), "larger than"),
        (".", None, "not a regular file"),
        ("\0.toml", None, r"\x00.toml: not a valid path"),
    ]:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(SpecError, match=re.escape(expected)):
            build(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(SpecError, match="not a regular file"):
        build(tmp_path / "pipe.toml")


PIECES = ['"', "'", "[", "]", "{", "}", "=", ",", "\n", "$in", "-1", "0", "9" * 30, "1e9", "true"]
PIECES += ["conv", "block", "layers", "name", "from", "repeat", "input", "\x1b", "\ud800", "é"]


@given(
    st.lists(
        st.tuples(st.integers(0, 1200), st.integers(0, 9), st.sampled_from(PIECES)), max_size=3
    )
)
@settings(max_examples=300, deadline=None)
def test_damaged_specs_build_or_say_why(edits: list[tuple[int, int, str]]) -> None:
    """A valid spec with replaced pieces raises no other error."""
    text = EVERYTHING
    for at, length, piece in edits:
        text = text[:at] + piece + text[at + length :]
    try:
        build(text, weights=False)
    except SpecError as error:
        assert str(error).isprintable()  # noqa: PT017
        assert str(error).startswith("spec:")  # noqa: PT017
