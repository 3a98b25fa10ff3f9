"""Counts of any network match its run exactly, however it is written."""

import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import onnx
import onnx.inliner
from hypothesis import given
from hypothesis import strategies as st

from sepcost.cost.dense import as_convolution
from sepcost.network import ABSENT
from sepcost.routes.analyze import analyze
from sepcost.routes.check import check
from tests import profiled
from tests.laws.effort import networks
from tests.laws.files import counted, saved
from tests.laws.models import nets
from tests.laws.run import narrowed
from tests.laws.spelling import SPELLINGS, reordered, respelled

TOTALS = (
    "macs", "params", "elementwise_ops", "weight_bytes", "activation_bytes",
    "separable_macs", "separable_params",
)  # fmt: skip
OTHERWISE = st.sampled_from([*SPELLINGS.values()])


def totals(analysis):
    return {field: getattr(analysis.totals, field) for field in TOTALS}


def runs(net, model):
    """The kernels that ONNX Runtime ran, by id; functions are inlined first, as in its own run."""
    with tempfile.TemporaryDirectory() as folder:
        found = defaultdict(list)
        feeds = {k: v.astype("float32") if v.dtype == "float64" else v
                 for k, v in net.feeds().items()}  # fmt: skip
        for run in profiled.profile(narrowed(model), feeds, Path(folder)):
            found[run.id].append(run)
        return found


@given(nets())
@networks(60)
def test_counts_are_those_of_the_shapes_in_a_run(net):
    model = onnx.inliner.inline_local_functions(net.model)
    seen = runs(net, model)
    found = counted(net, model)
    for row in found.rows:
        for run in seen.get(row.layer.id, []):  # a branch may run in only some trips
            anew = profiled.multiply_adds(run)
            assert anew is None or row.macs == anew * (row.layer.trips or 0), row.layer.id
            assert run.outputs[0] == row.layer.outputs[0] != ABSENT, row.layer.id
    assert found.coverage.complete
    assert seen


@given(nets())
@networks(40)
def test_a_function_costs_what_its_nodes_cost_where_it_is_called(net):
    inlined = counted(net, onnx.inliner.inline_local_functions(net.model))
    kept = counted(net)
    assert kept.totals.macs == inlined.totals.macs
    assert kept.totals.separable_macs == inlined.totals.separable_macs
    assert kept.totals.elementwise_ops == inlined.totals.elementwise_ops


@given(nets(), OTHERWISE, OTHERWISE)
@networks(40)
def test_counts_do_not_depend_on_names(net, first, second):
    once = counted(net, respelled(net.model, first))
    twice = counted(net, respelled(net.model, second))
    assert once.totals == twice.totals
    assert [row.macs for row in once.rows] == [row.macs for row in twice.rows]


@given(nets(), st.randoms(use_true_random=False))
@networks(40)
def test_counts_do_not_depend_on_the_order_in_the_file(net, random):
    as_is, otherwise = counted(net), counted(net, reordered(net.model, random))
    assert totals(as_is) == totals(otherwise)
    assert macs(as_is) == macs(otherwise)


def macs(analysis):
    return Counter((row.layer.id, row.macs, row.elementwise_ops) for row in analysis.rows)


@given(nets())
@networks(40)
def test_counts_do_not_depend_on_the_place_of_the_weights(net):
    with saved(net.model) as path:
        embedded = analyze(path, bind=net.bind)
        outside = path.with_name("outside.onnx")
        onnx.save(
            net.model, outside, save_as_external_data=True, location="weights", size_threshold=0,
            convert_attribute=False,
        )  # fmt: skip
        external = analyze(outside, bind=net.bind)
    assert embedded.totals == external.totals
    assert macs(embedded) == macs(external)


@given(nets())
@networks(30)
def test_a_network_passes_its_own_counts_and_not_one_less(net):
    with saved(net.model) as path:
        totals = analyze(path, bind=net.bind).totals
        own = {"macs": totals.macs, "params": totals.params,
               "peak-activations": totals.peak_activation_bytes,
               "file-size": path.stat().st_size}  # fmt: skip
        assert check(path, config=bound(net, path), budgets=own).ok
        for metric, value in own.items():
            if value:
                found = check(path, config=bound(net, path), budgets={metric: value - 1})
                assert not found.ok, metric


def bound(net, path):
    """A configuration that binds the batch."""
    config = path.with_name("sepcost.toml")
    sizes = ", ".join(f"{name} = {size}" for name, size in net.bind.items())
    config.write_text(f"[defaults]\nbind = {{ {sizes} }}\n" if sizes else "", encoding="utf-8")
    return config


@given(nets())
@networks(60)
def test_a_dense_layer_multiplies_by_its_matrix_at_each_position(net):
    for row in counted(net).rows:
        shape = as_convolution(row.layer)
        assert (shape is None) == (row.low_rank is None)
        if shape is not None and row.low_rank is not None:
            size = row.low_rank.inputs * row.low_rank.outputs
            assert row.macs == shape.positions * size * (row.layer.trips or 0)
            assert row.low_rank.inputs + row.low_rank.outputs > row.low_rank.break_even_rank
