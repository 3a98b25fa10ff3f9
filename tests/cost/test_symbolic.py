"""Polynomials of whole networks equal the counts."""

from random import Random

import pytest

import sepcost
from sepcost.cost.symbolic import LAYER_COSTS
from sepcost.errors import BindingError, SepcostError
from sepcost.model.free import NamedShape
from tests.cli import models
from tests.laws.effort import MORE
from tests.strangers.models import SHARED

#: 100 with SEPCOST_LAWS=10.
SIZES = min(100, 10 * MORE)

#: Models of ../shared with dynamic dimensions, and names for those without.
DYNAMIC: dict[str, NamedShape] = {
    "basic_pitch_nmp": {},
    "candy_style": {},
    "ppocr_cls": {"x": (1, 3, "H", "W")},
    "ppocr_v3_det": {"x": (1, 3, "H", "W")},
    "prisma_seg": {},
    "silero_vad": {"input": (1, "L"), "state": (2, 1, 128)},
    "silero_vad_16k_op15": {},
    "silero_vad_half": {},
    "silero_vad_op18_ifless": {},
    "st_mobilenet_v2_035_128": {},
    "st_ssd_mobilenet_v1": {},
    "st_yamnet_256": {},
    "superres_pytorch": {},
    "superres_with_pre_post": {},
    "yunet_n_dynamic": {},
}


def sizes(found, random):
    return {
        one.symbol: one.least + one.period * random.randint(0, 3000 // one.period)
        for one in found.classes
    }


def compare(found, analysis, at):
    """Compare every polynomial with the count; return how many there were."""
    compared = 0
    for name, fitted in found.totals.items():
        if fitted.polynomial is not None:
            compared += 1
            assert fitted.polynomial.at(at) == getattr(analysis.totals, name), (name, at)
    rows = {row.layer.id: row for row in analysis.rows}
    for layer in found.layers:
        for name, fitted in layer.costs.items():
            if fitted.polynomial is not None:
                compared += 1
                assert fitted.polynomial.at(at) == LAYER_COSTS[name](rows[layer.id]), (name, at)
    return compared


@pytest.mark.parametrize("name", [network.name for network in sepcost.networks()])
def test_shipped_networks_at_random_sizes(name):
    found, random = sepcost.symbolic(name), Random(name)
    binds = [sizes(found, random) for _ in range(SIZES)]
    for bind, analysis in zip(binds, sepcost.sweep(name, binds), strict=True):
        assert compare(found, analysis, bind) == len(found.totals) + 4 * len(found.layers)
    assert {fitted.reason for fitted in found.totals.values()} == {""}


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared models next to the repository")
@pytest.mark.parametrize("name", DYNAMIC)
def test_models_of_many_exporters_at_random_sizes(name):
    path, shape = SHARED / f"{name}.onnx", DYNAMIC[name]
    found, random = sepcost.symbolic(path, shape=shape), Random(name)
    accepted = 0
    for _ in range(SIZES):
        bind = sizes(found, random)
        try:
            analysis = sepcost.analyze(path, bind=bind, shape=shape)
        except SepcostError:
            continue  # the model refuses these sizes
        accepted += 1
        assert compare(found, analysis, bind)
    assert accepted


def test_every_figure_has_a_polynomial_or_a_reason(tmp_path):
    found = sepcost.symbolic(models.unknown_dynamic(tmp_path))
    every = [*found.totals.values(), *(f for layer in found.layers for f in layer.costs.values())]
    assert all((fitted.polynomial is None) == bool(fitted.reason) for fitted in every)
    (layer,) = (layer for layer in found.layers if layer.op_type == "Mystery")
    assert layer.costs["macs"].reason == "no formula for this operator"
    assert not found.complete


def test_bound_dimensions_are_sizes_not_symbols(tmp_path):
    path = models.dynamic(tmp_path)
    named = sepcost.symbolic(path, shape={"x": ("B", 4)})
    assert [one.symbol for one in named.classes] == ["B"]
    with pytest.raises(BindingError, match="--symbolic needs a named dynamic dimension"):
        sepcost.symbolic(path, bind={"N": 2})


def test_a_stride_is_part_of_the_class(tmp_path):
    # 8 channels to 1 by a 1×1 convolution of stride 2: 8·H·W/4 MACs for even sizes
    path = models.save(
        tmp_path,
        "g (float[1, 8, H, W] x) => (float[1, 1, h, w] y) <float[1, 8, 1, 1] k = "
        "{1, 1, 1, 1, 1, 1, 1, 1}> { y = Conv <strides = [2, 2]> (x, k) }",
    )
    found = sepcost.symbolic(path)
    assert [(one.symbol, one.period, one.least) for one in found.classes] == [
        ("H", 2, 2), ("W", 2, 2)
    ]  # fmt: skip
    macs = found.totals["macs"].polynomial
    assert macs is not None
    assert macs.terms == {(1, 1): 2}


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"y": ("H",)}, "no input is named 'y'; choose from: x"),
        ({"x": ("H",)}, "does not match the input's 2 dimensions"),
        ({"x": ("B", "H")}, "contradicts the size 4 in the model"),
    ],
)
def test_names_that_do_not_fit_are_refused(tmp_path, shape, message):
    with pytest.raises(BindingError, match=message):
        sepcost.symbolic(models.dynamic(tmp_path), shape=shape)
