"""Execution order."""

from itertools import pairwise

import onnx
import pytest
from onnx import helper

from sepcost.errors import ModelError
from sepcost.model.order import in_order
from sepcost.model.values import Known
from sepcost.model.walk_state import Scope


def node(name, reads="", writes=None, body=None):
    graphs = {"then_branch": body} if body else {}
    return helper.make_node("Op", list(reads), list(writes or name), name, **graphs)


def graph(*nodes, outputs="", inputs=""):
    values = [onnx.ValueInfoProto(name=name) for name in inputs]
    results = [onnx.ValueInfoProto(name=name) for name in outputs]
    return helper.make_graph(list(nodes), "g", values, results)


def order(*nodes, scope=None):
    return "".join(n.name for n in in_order(graph(*nodes), scope or Scope(), "m.onnx"))


def test_sorted_nodes_stay_as_they_are():
    assert order(node("b"), node("a"), node("c", "ab")) == "bac"


def test_unsorted_nodes_come_after_what_they_read():
    assert order(node("c", "b"), node("b", "a"), node("a")) == "abc"


def test_a_graph_within_reads_from_around_it():
    body = graph(node("i", "a"), outputs="i")
    assert order(node("c", body=body), node("a")) == "ac"
    assert order(node("c", body=graph(outputs="a")), node("a")) == "ac"
    deeper = graph(node("j", body=body), outputs="j")
    assert order(node("c", body=deeper), node("a")) == "ac"


def test_what_a_graph_within_defines_itself_is_no_dependency():
    body = graph(node("a"), node("i", "ax"), inputs="x", outputs="i")
    assert order(node("c", body=body), node("a", "c"), node("x", "a")) == "cax"


def test_a_name_that_the_graph_around_defines_is_read_from_there():
    outer = Scope(names={"a": Known("a", onnx.TypeProto())})
    assert sorted(order(node("b", "a"), node("a", "b"), scope=Scope(parent=outer))) == ["a", "b"]


def test_a_function_has_an_order_too():
    function = helper.make_function("d", "f", [], ["b"], [node("b", "a"), node("a")], [])
    assert [n.name for n in in_order(function, Scope(), "m")] == ["a", "b"]


@pytest.mark.parametrize(
    "nodes", [[node("a", "b"), node("b", "a")], [node("a", "a")],
              [node("a", body=graph(node("i", "b"))), node("b", "a")]]
)  # fmt: skip
def test_a_circle_is_refused_and_named(nodes):
    with pytest.raises(ModelError, match=r"^m.onnx: nodes read each other in a circle \(Op 'a'"):
        order(*nodes)


def test_many_nodes_in_reverse():
    names = [chr(0x4E00 + k) for k in range(3000)]
    nodes = [node(b, a) for a, b in pairwise(names)]
    assert order(*reversed(nodes)) == "".join(names[1:])
