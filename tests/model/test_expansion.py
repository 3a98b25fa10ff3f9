"""What functions expand to is known before any is walked."""

import pytest
from onnx import helper

from sepcost.errors import ModelError
from sepcost.model.expansion import check_calls
from sepcost.model.walk_state import MAX_NODES

OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]


def call(name, domain="local"):
    return helper.make_node(name, ["x"], ["x"], domain=domain)


def function(name, *nodes):
    return helper.make_function("local", name, ["x"], ["x"], list(nodes), OPSETS)


def check(nodes, *functions):
    graph = helper.make_graph(list(nodes), "g", [], [])
    check_calls(graph, {("local", f.name, ""): f for f in functions}, "m.onnx")


def bomb(levels, width):
    return [function(f"f{k}", *[call(f"f{k + 1}")] * width) for k in range(levels)]


def test_calls_that_end_pass():
    check([call("f0")], *bomb(10, 2), function("f10", call("Relu", "")))


def test_a_bomb_is_refused():
    with pytest.raises(ModelError, match=f"more than {MAX_NODES:,} nodes"):
        check([call("f0")], *bomb(60, 10))


@pytest.mark.parametrize("length", [1, 2, 7])
def test_a_function_that_calls_itself_is_refused(length):
    circle = [function(f"f{k}", call(f"f{(k + 1) % length}")) for k in range(length)]
    with pytest.raises(ModelError, match="calls itself"):
        check([call("f0")], *circle)


def test_a_call_within_a_graph_counts():
    branch = helper.make_graph([call("f")], "b", [], [])
    choice = helper.make_node("If", ["x"], ["x"], then_branch=branch)
    with pytest.raises(ModelError, match="local::f calls itself"):
        check([choice], function("f", choice))


def test_a_chain_too_deep_is_refused():
    with pytest.raises(ModelError, match="nest deeper"):
        check([call("f0")], *bomb(1000, 1))


def test_a_function_that_nobody_calls_does_not_matter():
    check([call("Relu", "")], function("f", call("f")))
