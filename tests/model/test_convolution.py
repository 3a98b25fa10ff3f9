"""A single convolution from a line of text."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sepcost
from sepcost.errors import SpecError
from sepcost.model.convolution import ConvSpec, parse


def test_the_papers_notation():
    assert parse("3x3,512,256,14") == ConvSpec((3, 3), 512, 256, (14, 14))


def test_one_and_three_dimensions_and_extras():
    assert parse("5, 8, 16, 100, stride=2") == ConvSpec((5,), 8, 16, (100,), stride=2)
    assert parse("3x3x3,8,8,4x5x6,dilation=2,group=4") == ConvSpec(
        (3, 3, 3), 8, 8, (4, 5, 6), dilation=2, group=4
    )


# M·N·positions·K, worked by hand; 'same' padding gives ceil(size / stride) positions
@pytest.mark.parametrize(
    ("text", "macs"),
    [
        ("3x3,2,4,5", 9 * 2 * 4 * 25),
        ("3x3,2,4,5,stride=2", 9 * 2 * 4 * 9),
        ("3x3,2,4,5,dilation=2", 9 * 2 * 4 * 25),
        ("3x3,4,8,5,group=2", 9 * 2 * 8 * 25),
        ("3,2,4,10", 3 * 2 * 4 * 10),
        ("2x3x4,1,1,5x6x7", 24 * 210),
    ],
)
def test_regular_macs(text, macs):
    assert sepcost.analyze_convolution(text).totals.macs == macs


def test_multipliers_thin_channels_and_shrink_the_map():
    # alpha 0.5: 4 and 8 channels; rho 0.5: 5 positions per side
    found = sepcost.analyze_convolution("3x3,8,16,10", alpha=0.5, rho=0.5)
    assert found.totals.macs == 9 * 4 * 8 * 25


@pytest.mark.parametrize(
    "text",
    ["", "3x3,8,8", "3x3,8,8,4,5", "3x3,8x8,8,4", "0x3,8,8,4", "3x3,8,8,4x4x4", "3x3,8,8,4,pad=1",
     "3x3,8,6,4,group=4", "3x3x3x3,8,8,4", "3x3,8,8,-4", "stride=2,3x3,8,8,4", "3x3,8,8,4,group="],
)  # fmt: skip
def test_other_forms_are_refused(text):
    with pytest.raises(SpecError, match="--conv"):
        parse(text)


def test_thinned_channels_must_divide_into_the_groups():
    with pytest.raises(SpecError, match="groups"):
        sepcost.analyze_convolution("3x3,8,8,4,group=8", alpha=0.5)


def test_halves_go_up_as_in_layer_specs(tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text("input = [5, 5, 5]\nlayers = [{ conv = 5 }]\n")
    single, written = (
        count(alpha=0.5, rho=0.5).network.layers[0]
        for count in (
            partial(sepcost.analyze_convolution, "3x3,5,5,5"),
            partial(sepcost.analyze, spec),
        )
    )
    assert single.inputs == ((1, 3, 3, 3), (3, 3, 3, 3))
    assert written.outputs == single.outputs == ((1, 3, 3, 3),)


@pytest.mark.parametrize("alpha", [0, -1, float("nan"), float("inf")])
def test_multipliers_are_positive(alpha):
    with pytest.raises(SpecError, match="above 0"):
        sepcost.analyze_convolution("3x3,8,8,4", alpha=alpha)


@given(st.from_regex(r"[0-9x]{1,5}(,[0-9x]{1,4}){3}(,(group|stride)=[0-9])?", fullmatch=True))
def test_any_text_is_accepted_or_refused(text):
    try:
        found = parse(text)
    except SpecError:
        return
    assert len(found.size) == len(found.kernel)
