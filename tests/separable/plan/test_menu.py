"""The options for a convolution, and their costs by ``sepcost.cost``."""

import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from sepcost.cost.count import count
from sepcost.model.describe import describe
from sepcost.separable.factors.blocks import Form
from sepcost.separable.factors.kernels import factorize, reconstruct
from sepcost.separable.factors.random_init import random_factors
from sepcost.separable.plan.menu import (
    RANKS,
    conv_shape,
    emitted_as,
    legal_ranks,
    menus,
    offered_ranks,
    shell,
)
from sepcost.separable.rewrite import emit
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.settings import FORMS
from tests.separable import networks
from tests.separable.build import Chosen, conv, find, saved

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "strided": {"strides": [2, 2]},
    "grouped": {"group": 2},
    "transposed": {"op_type": "ConvTranspose", "strides": [2, 2]},
}


def made(name, tmp_path):
    options = dict(CASES[name])
    kernel = np.random.default_rng(0).standard_normal((8, 8, 3, 3)).astype(np.float32)
    return saved(conv(kernel, **options), tmp_path)


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("case", CASES)
def test_costs_are_those_of_the_result(case, form, tmp_path):
    loaded = made(case, tmp_path)
    (candidate,) = find(loaded).eligible
    for rank in legal_ranks(candidate, form)[:3]:
        empty = shell(candidate, form, rank)
        factors = random_factors(candidate, empty, 0)
        result = separate(loaded, [Chosen(candidate, factors, emitted_as(empty, None))])
        counted = count(describe(result), "").totals.macs
        assert emit.macs(candidate, empty) == counted


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("case", CASES)
def test_shells_have_the_shapes_of_factors(case, form, tmp_path):
    (candidate,) = find(made(case, tmp_path)).eligible
    group = candidate.convolution.group
    for rank in legal_ranks(candidate, form)[:3]:
        kernel = np.ones(conv_shape(candidate))
        factors = factorize(kernel, form, rank, group=group)
        empty = shell(candidate, form, rank)
        assert empty.spatial.shape == factors.spatial.shape
        assert empty.pointwise.shape == factors.pointwise.shape


def offered(folder, forms=FORMS, emitted=None):
    loaded = networks.classifier(folder)
    network = describe(loaded)
    found = find(loaded).eligible
    rows = {row.layer.id: row.macs or 0 for row in count(network, "").rows}
    return menus(found, rows, forms, emitted)


def test_only_cheaper_options_are_offered(tmp_path):
    for menu in offered(tmp_path):
        keep, *offers = menu.options
        assert keep.keeps
        assert offers
        assert all(option.macs < keep.macs for option in offers)


def test_forms_are_those_asked_for(tmp_path):
    for menu in offered(tmp_path, (Form.BOTTLENECK,)):
        forms = {option.form for option in menu.options}
        assert forms == {None, Form.BOTTLENECK}
        ranks = {option.rank for option in menu.options[1:]}
        assert ranks <= set(RANKS[Form.BOTTLENECK])


def test_the_widths_of_a_depthwise_bottleneck_follow_the_channels(tmp_path):
    sizes = {"small": (16, 12), "wide": (64, 256), "grouped": (512, 64)}
    wanted = {
        "small": (8, 16, 24, 32),
        "wide": (8, 16, 24, 32, 48, 64, 96, 128, 192),
        "grouped": (8, 16, 24, 32, 48, 64, 96, 128, 192),
    }
    for name, (outputs, inputs) in sizes.items():
        group = 8 if name == "grouped" else 1
        kernel = np.zeros((outputs, inputs, 3, 3), np.float32)
        (candidate,) = find(saved(conv(kernel, group=group), tmp_path)).eligible
        assert offered_ranks(candidate, Form.DEPTHWISE_BOTTLENECK) == wanted[name]


def test_the_emitted_form_is_used_if_possible(tmp_path):
    for menu in offered(tmp_path, emitted="concat"):
        for option in menu.options[1:]:
            several = option.form is Form.DEPTHWISE_POINTWISE and option.rank > 1
            assert (option.emitted == "concat") == several


def test_random_weights_have_the_variance_of_he(tmp_path):
    """2 / fan-in: 9 taps before, 16 channels after; and they depend on the seed alone."""
    candidate = find(networks.classifier(tmp_path)).eligible[1]
    empty = shell(candidate, Form.DEPTHWISE_POINTWISE, 9)
    factors = random_factors(candidate, empty, 1)
    assert factors.spatial.var() == pytest.approx(2 / 9, rel=0.2)
    assert factors.pointwise.var() == pytest.approx(2 / 16, rel=0.2)
    assert factors.bias is not None
    assert not factors.bias.any()
    again, other = (random_factors(candidate, empty, seed) for seed in (1, 2))
    assert np.array_equal(reconstruct(factors), reconstruct(again))
    assert not np.array_equal(reconstruct(factors), reconstruct(other))


def test_every_form_has_ranks_on_offer_a_name_for_its_spatial_part_and_a_word_in_json():
    schema = files("sepcost.report") / "schemas" / "convert-1.json"
    known = json.loads(schema.read_text())
    (words,) = {tuple(one["enum"]) for one in _found(known, "form") if "enum" in one}
    assert set(words) == {*Form, None}
    assert {*RANKS, Form.DEPTHWISE_BOTTLENECK} == set(Form)  # whose widths are in SHARES
    assert set(emit.SPATIAL) == set(Form)


def _found(document, key):
    if isinstance(document, dict):
        yield from (value for name, value in document.items() if name == key)
        document = list(document.values())
    if isinstance(document, list):
        for one in document:
            yield from _found(one, key)
