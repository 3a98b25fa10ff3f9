"""Walking ONNX: execution order, subgraphs, function keys, ids."""

from itertools import pairwise

import onnx
import pytest
from onnx import helper

from sepcost.errors import ModelError
from sepcost.model.graphs import (
    body_prefix,
    called,
    functions,
    in_order,
    label,
    node_id,
    nodes,
    resolved,
    root_name,
    roots,
)


def node(name, reads="", writes=None, body=None):
    graphs = {"then_branch": body} if body else {}
    return helper.make_node("Op", list(reads), list(writes or name), name, **graphs)


def graph(*nodes, outputs="", inputs=""):
    values = [onnx.ValueInfoProto(name=name) for name in inputs]
    results = [onnx.ValueInfoProto(name=name) for name in outputs]
    return helper.make_graph(list(nodes), "g", values, results)


def order(*nodes, outer=""):
    return "".join(n.name for n in in_order(nodes, "m.onnx", lambda name: name in outer))


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


def test_values_that_a_subgraph_defines_itself_are_not_dependencies():
    body = graph(node("a"), node("i", "ax"), inputs="x", outputs="i")
    assert order(node("c", body=body), node("a", "c"), node("x", "a")) == "cax"


def test_a_name_that_the_graph_around_defines_is_read_from_there():
    assert sorted(order(node("b", "a"), node("a", "b"), outer="a")) == ["a", "b"]


def test_a_function_has_an_order_too():
    function = helper.make_function("d", "f", [], ["b"], [node("b", "a"), node("a")], [])
    assert [n.name for n in in_order(function.node)] == ["a", "b"]


@pytest.mark.parametrize(
    "cycle", [[node("a", "b"), node("b", "a")], [node("a", "a")],
              [node("a", body=graph(node("i", "b"))), node("b", "a")]]
)  # fmt: skip
def test_a_cycle_is_refused_and_named(cycle):
    with pytest.raises(ModelError, match=r"^m.onnx: nodes read each other in a cycle \(Op 'a'"):
        order(*cycle)


def test_many_nodes_in_reverse():
    names = [chr(0x4E00 + k) for k in range(3000)]
    chain = [node(b, a) for a, b in pairwise(names)]
    assert order(*reversed(chain)) == "".join(names[1:])


def test_nodes_are_those_of_every_subgraph_before_their_holder():
    inner = graph(node("c"))
    outer = graph(node("b", body=inner))
    holder = node("a")
    holder.attribute.add(name="g", type=onnx.AttributeProto.GRAPHS).graphs.extend([outer, inner])
    assert [n.name for n in nodes(graph(holder, node("d")))] == list("cbcad")


def test_functions_and_calls_share_keys():
    """ONNX's own domain has two spellings."""
    local = helper.make_function("ai.onnx", "f", [], [], [], [])
    overloaded = helper.make_function("d", "f", [], [], [], [], overload="2")
    model = helper.make_model(graph(), functions=[local, overloaded])
    assert functions(model) == {("", "f", ""): local, ("d", "f", "2"): overloaded}
    assert called(helper.make_node("f", [], [])) == ("", "f", "")
    assert called(helper.make_node("f", [], [], domain="d", overload="2")) == ("d", "f", "2")
    assert len({root_name(root) for root in roots(model)}) == 3
    assert root_name(model.graph) == ""


def test_references_take_the_attributes_of_the_call():
    inner = node("a")
    inner.attribute.add(name="given", ref_attr_name="x")
    inner.attribute.add(name="dropped", ref_attr_name="y")
    inner.attribute.add(name="own", i=1, type=onnx.AttributeProto.INT)
    given = helper.make_attribute("x", 7)
    found = resolved(inner, {"x": given})
    assert [(a.name, a.i) for a in found.attribute] == [("given", 7), ("own", 1)]
    assert len(inner.attribute) == 3
    assert resolved(node("b"), {"x": given}) == node("b")


@pytest.mark.parametrize(
    ("outputs", "name", "id_"),
    [(["a", "b"], "n", "p/a"), (["", "b"], "n", "p/b"), ([], "n", "p/n"), ([], "", "p/Op")],
)
def test_the_id_of_a_node(outputs, name, id_):
    assert node_id("p/", helper.make_node("Op", [], outputs, name)) == id_


@pytest.mark.parametrize(
    "nameless",
    [
        onnx.NodeProto(output=["AAAA"]),
        onnx.NodeProto(name="AAAA"),
        helper.make_node("AAAA", [], []),
    ],
)
def test_the_id_of_a_node_whose_name_is_not_utf8(nameless):
    """Protobuf returns it as bytes."""
    raw = onnx.NodeProto.FromString(nameless.SerializeToString().replace(b"AAAA", b"A\xffAA"))
    assert node_id("p/", raw) == r"p/A\xffAA"


def test_the_path_of_a_graph_within_a_node():
    paths = [body_prefix("y", name) for name in ("then_branch", "else_branch", "body")]
    assert paths == ["y.then/", "y.else/", "y.body/"]


def test_a_node_is_labelled_by_its_name_or_its_output():
    assert label(helper.make_node("Op", [], ["", "b"], "n")) == "Op 'n'"
    assert label(helper.make_node("Op", [], ["", "b"])) == "Op 'b'"
    assert label(helper.make_node("Op", [], [])) == "Op ''"
