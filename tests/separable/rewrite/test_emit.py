"""The nodes, the bias and the cost of each form."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.errors import ConversionError
from sepcost.separable.factors.kernels import Form, factorize
from sepcost.separable.find.candidates import weight
from sepcost.separable.rewrite import emit
from sepcost.separable.rewrite.separate import separate
from tests.separable.build import Chosen, conv, find, noise, saved

DW, PW, BLOCK, NARROW, BOTTLENECK = Form


def emitted(folder, form, rank, name, **options):
    """The nodes of one convolution converted, as (op_type, label, group, has a bias)."""
    loaded = saved(conv(noise(8, 4, 3, 3), noise(8), pads=[1] * 4, **options), folder)
    (candidate,) = find(loaded).eligible
    group = candidate.convolution.group
    factors = factorize(weight(candidate), form, rank, group=group)
    return separate(loaded, [Chosen(candidate, factors, name)])


def shapes(model):
    groups = [{a.name: a.i for a in node.attribute}.get("group") for node in model.proto.graph.node]
    return [
        (node.op_type, node.name.removeprefix("c/"), group, "b" in node.input)
        for node, group in zip(model.proto.graph.node, groups, strict=True)
    ]


def test_a_sum_of_branches_has_its_bias_in_the_last_pointwise(tmp_path):
    assert shapes(emitted(tmp_path, DW, 2, "sum")) == [
        ("Conv", "depthwise_1", 4, False),
        ("Conv", "pointwise_1", 1, False),
        ("Conv", "depthwise_2", 4, False),
        ("Conv", "pointwise_2", 1, True),
        ("Add", "add_1", None, False),
    ]


def test_pointwise_first_has_its_bias_after_the_padding(tmp_path):
    assert shapes(emitted(tmp_path, PW, 1, "pointwise-first")) == [
        ("Conv", "pointwise", 1, False),
        ("Conv", "depthwise", 8, True),
    ]


def test_a_concatenation_mixes_all_branches_at_once(tmp_path):
    model = emitted(tmp_path, DW, 2, "concat")
    assert shapes(model) == [
        ("Conv", "depthwise_1", 4, False),
        ("Conv", "depthwise_2", 4, False),
        ("Concat", "concat", None, False),
        ("Conv", "pointwise", 1, True),
    ]
    stored = {t.name: tuple(t.dims) for t in model.proto.graph.initializer}
    assert stored["c/pointwise/weight"] == (8, 8, 1, 1)


def test_the_grouped_form_has_r_kernels_per_channel(tmp_path):
    model = emitted(tmp_path, DW, 3, "grouped")
    assert shapes(model) == [("Conv", "depthwise", 4, False), ("Conv", "pointwise", 1, True)]
    stored = {t.name: tuple(t.dims) for t in model.proto.graph.initializer}
    assert stored["c/depthwise/weight"] == (12, 1, 3, 3)


@pytest.mark.parametrize(
    ("form", "rank", "label", "group"), [(BLOCK, 2, "block", 2), (BOTTLENECK, 3, "bottleneck", 1)]
)
def test_other_forms_have_their_own_labels(tmp_path, form, rank, label, group):
    assert shapes(emitted(tmp_path, form, rank, "sum")) == [
        ("Conv", label, group, False),
        ("Conv", "pointwise", 1, True),
    ]


def test_a_depthwise_bottleneck_has_a_pointwise_part_on_both_sides(tmp_path):
    model = emitted(tmp_path, NARROW, 3, "sum", group=2)
    assert shapes(model) == [
        ("Conv", "pointwise_1", 2, False),
        ("Conv", "depthwise", 6, False),
        ("Conv", "pointwise_2", 2, True),
    ]


def test_groups_stay_groups_of_the_pointwise_part(tmp_path):
    assert shapes(emitted(tmp_path, DW, 1, "sum", group=2)) == [
        ("Conv", "depthwise", 8, False),
        ("Conv", "pointwise", 2, True),
    ]


def test_stride_dilation_and_padding_go_to_the_spatial_part_alone(tmp_path):
    model = emitted(tmp_path, DW, 1, "sum", strides=[2, 1], dilations=[1, 2])
    spatial, pointwise = model.proto.graph.node
    lists = [{a.name: list(a.ints) for a in n.attribute if a.ints} for n in (spatial, pointwise)]
    assert lists == [
        {"strides": [2, 1], "dilations": [1, 2], "pads": [1] * 4, "kernel_shape": [3, 3]},
        {"kernel_shape": [1, 1]},
    ]


@pytest.mark.parametrize(
    ("form", "rank", "group", "name"),
    [(DW, 2, 1, "pointwise-first"), (PW, 2, 1, "sum"), (DW, 2, 2, "concat"), (DW, 1, 1, "grouped"),
     (BLOCK, 2, 1, "concat"), (DW, 1, 1, "no such form")],
)  # fmt: skip
def test_factors_are_written_only_in_forms_that_fit_them(tmp_path, form, rank, group, name):
    with pytest.raises(ConversionError, match="cannot be emitted as"):
        emitted(tmp_path, form, rank, name, group=group)


def test_every_applicable_form_is_in_the_table():
    kernel = noise(8, 4, 3, 3)
    offered = {
        name
        for form, rank in ((DW, 2), (DW, 1), (PW, 2), (BLOCK, 2), (BOTTLENECK, 2))
        for name in emit.applicable(factorize(kernel, form, rank))
    }
    assert offered == set(emit.EMITTED)


def test_costs_by_hand(tmp_path):
    """[2,4,9,9] to 8 channels, 3x3, stride 2, padded: 25 positions out of 81, 2 images."""
    loaded = saved(conv(noise(8, 4, 3, 3), pads=[1] * 4, strides=[2, 2]), tmp_path)
    (candidate,) = find(loaded).eligible
    first, second = (factorize(weight(candidate), form, 2) for form in (DW, PW))
    assert emit.macs(candidate, first) == 2 * 2 * 25 * (9 * 4 + 4 * 8)
    assert emit.macs(candidate, second) == 2 * 2 * (81 * 4 * 8 + 25 * 9 * 8)
    assert emit.params(candidate, first) == 2 * (9 * 4 + 4 * 8)


def test_a_fitted_bias_replaces_the_original_or_comes_new(tmp_path):
    from dataclasses import replace

    for original in (noise(8), None):
        loaded = saved(conv(noise(8, 4, 3, 3), original), tmp_path)
        (candidate,) = find(loaded).eligible
        fitted = replace(factorize(weight(candidate), DW, 1), bias=np.arange(8.0))
        result = separate(loaded, [Chosen(candidate, fitted)])
        assert [*result.proto.graph.node[-1].input][2] == "c/bias"
        assert "b" not in {t.name for t in result.proto.graph.initializer}
        assert emit.params(candidate, fitted) == 36 + 32 + (0 if original is not None else 8)
