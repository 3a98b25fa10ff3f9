"""Conversion of any network: exact at full rank, within the goal below it."""

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st

from sepcost.routes.analyze import analyze
from sepcost.separable.settings import Aim
from tests.laws.effort import networks
from tests.laws.files import converted, counted, saved
from tests.laws.models import nets
from tests.laws.run import distance, run

CONVERTED = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
#: Nodes that are removed with the weight that they computed.
CARRY = {"Constant", "Identity", "Cast", "Transpose", "Reshape", "Mul", "DequantizeLinear"}


@given(nets())
@networks(80)
def test_full_rank_computes_the_same(net):
    with saved(net.model) as path:
        _, result = converted(net, path, Aim.RANK, 0)
    onnx.checker.check_model(result, full_check=True)
    feeds = net.feeds()
    original = run(net.model, feeds)
    assert distance(original, run(result, feeds)) <= 10 * (net.grain + unrest(net, original))


def unrest(net, original):
    """How far the outputs move when the inputs change by the rounding error of a layer.

    Where large numbers cancel, another order of the same sums is not more exact.
    """
    random = np.random.default_rng(1)
    moved = {
        name: (array * (1 + net.grain * random.standard_normal(array.shape))).astype(array.dtype)
        for name, array in net.feeds().items()
    }
    return distance(original, run(net.model, moved))


@given(nets(), st.sampled_from([(Aim.RANK, 0), (Aim.RANK, 1), (Aim.RANK, 2), (Aim.MACS, 0.7)]))
@networks(60)
def test_costs_are_predicted_to_the_unit(net, goal):
    with saved(net.model) as path:
        found, result = converted(net, path, *goal)
    after = counted(net, result)
    assert found.plan.predicted.macs == found.after.totals.macs or not found.written
    assert found.after.totals == after.totals or not found.written


@given(nets(), st.sampled_from([1, 0, 2]))
@networks(40)
def test_a_second_conversion_changes_nothing(net, rank):
    with saved(net.model) as path:
        _, result = converted(net, path, Aim.RANK, rank)
    with saved(result) as path:
        again, _ = converted(net, path, Aim.RANK, rank)
    assert not again.plan.choices


@given(nets(), st.sampled_from([1, 0]))
@networks(60)
def test_everything_else_stays(net, rank):
    with saved(net.model) as path:
        found, result = converted(net, path, Aim.RANK, rank)
    assert list(result.graph.output) == list(net.model.graph.output)
    assert fed(result) == fed(net.model)
    for field in ("metadata_props", "opset_import"):
        assert list(getattr(result, field)) == list(getattr(net.model, field))
    assert (result.ir_version, result.producer_name) == (net.model.ir_version, "laws")
    assert result.graph.name == net.model.graph.name
    after = {text(node) for node in nodes(result)}
    gone = [node for node in nodes(net.model) if text(node) not in after]
    replaced = [node for node in gone if node.op_type in CONVERTED]
    assert len(replaced) == len(found.plan.choices)
    assert {node.op_type for node in gone} <= CARRY | CONVERTED


def fed(model):
    """Inputs without an initializer; before IR version 4, initializers are inputs too."""
    held = {tensor.name for tensor in model.graph.initializer} if model.ir_version < 4 else set()
    return [value for value in model.graph.input if value.name not in held]


def nodes(model):
    """Every node, including those of functions and subgraphs."""
    waiting = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        for node in graph.node:
            yield node
            waiting += [a.g for a in node.attribute if a.HasField("g")]


def text(node):
    """A node without its subgraphs."""
    copy = onnx.NodeProto.FromString(node.SerializeToString())
    for attribute in copy.attribute:
        attribute.ClearField("g")
    return copy.SerializeToString(deterministic=True)


@given(nets(("float32",)), st.sampled_from([0.3, 0.1, 0.01, 0.001]))
@networks(40)
def test_the_error_that_is_stated_is_that_of_the_file(net, error):
    """Relative to the spread, which is at most the size; one sample cannot show a bound."""
    with saved(net.model) as path:
        given_ = path.with_name("inputs.npz")
        feeds = net.feeds(1)
        np.savez(given_, **feeds)
        found, result = converted(net, path, Aim.MAX_ERROR, error, given_)
    if found.written:
        measured = distance(run(net.model, feeds), run(result, feeds))
        assert measured <= found.effect.relative_error * 1.001 + 1e-5
        within = found.effect.relative_error <= error
        open_ = within and not found.effect.error.high <= error
        assert ("not shown" in (found.missed or "")) == open_
        assert found.after.totals.macs <= found.before.totals.macs


@given(nets(), st.sampled_from([Aim.MACS, Aim.PARAMS]), st.sampled_from([0.9, 0.6, 0.3, 0.05]))
@networks(60)
def test_a_share_of_the_cost_is_met_or_refused(net, aim, share):
    with saved(net.model) as path:
        before = analyze(path, bind=net.bind).totals
        found, result = converted(net, path, aim, share)
    assert bool(found.written) == bool(found.plan.choices)  # by force
    if not found.missed:
        after = counted(net, result).totals
        assert getattr(after, aim) <= share * getattr(before, aim) * (1 + 1e-9)
