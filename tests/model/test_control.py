"""Ifs, calls of local functions, and unknown operators with subgraphs."""

import numpy as np
import onnx
import pytest
from onnx import helper

from sepcost.errors import ModelError
from sepcost.network import Branch
from tests.model.build import layers, model, network, params
from tests.model.flow import witnessed

X = np.ones((2, 3), np.float32)

#: Before a local function.
F = '\n<domain: "local", opset_import: ["" : 17, "local" : 1]>\n'


def choice(condition="c", then="Relu", else_="Neg", out="float[2, 3]"):
    return f"""g (bool c, float[2, 3] x) => ({out} y) <bool yes = {{1}}, bool no = {{0}}> {{
      y = If ({condition}) <
        then_branch = t () => ({out} p) {{ [then] p = {then} (x) }},
        else_branch = e () => ({out} q) {{ [else] q = {else_} (x) }}
      >
    }}"""


def feeds(truth=True):
    return {"c": np.array(truth), "x": X}


# --- If


def test_a_condition_that_depends_on_data():
    found = network(choice())
    assert found.choices == {"y": None}
    assert [(layer.id, layer.branches) for layer in found.layers] == [
        ("y.then/p", (Branch("y", "then"),)),
        ("y.else/q", (Branch("y", "else"),)),
        ("y", ()),
    ]
    assert found.values["y"].shape == (2, 3)


@pytest.mark.parametrize(("condition", "side"), [("yes", "then"), ("no", "else")])
def test_a_condition_that_is_known(condition, side):
    assert network(choice(condition)).choices == {"y": side}


def test_a_condition_that_follows_from_a_shape():
    source = choice("d").replace("y = If", "s = Size (x) d = Equal (s, six) y = If")
    source = source.replace("bool yes", "int64 six = {6}, bool yes")
    assert network(source).choices == {"y": "then"}


def test_branches_of_different_shapes():
    source = choice(else_="Transpose", out="float[]")
    assert network(source).values["y"].shape is None
    assert network(source.replace("If (c)", "If (no)")).values["y"].shape == (3, 2)


def test_a_contradiction_in_a_branch_that_never_runs_is_only_noted():
    source = choice("yes", else_="MatMul").replace("MatMul (x)", "MatMul (x, x)")
    found = layers(source)
    assert "contradicts itself" in found["y.else/q"].missing[0]
    assert found["y"].outputs == ((2, 3),)
    with pytest.raises(ModelError, match="MatMul 'else'"):
        network(source.replace("If (yes)", "If (no)"))


def test_a_branch_sees_weights_from_around_it():
    source = """g (bool c, float[2, 3] x) => (float[] y) <float[3, 4] w> {
      v = Identity (w)
      y = If (c) <
        then_branch = t () => (float[] p) { p = MatMul (x, v) },
        else_branch = e () => (float[] q) <float[3, 4] own = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}> {
          q = MatMul (x, own) }
      >
    }"""
    found = network(source)
    assert params(found) == {"w": (3, 4), "y.else/own": (3, 4)}


@pytest.mark.parametrize("depth", [2, 30])
def test_nested_ifs(depth):
    body = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["z"])], "leaf", [], [_value("z", 2, 3)]
    )
    for k in range(depth):
        node = helper.make_node("If", ["c"], [f"y{k}"], then_branch=body, else_branch=body)
        if k > 1:  # two full binary trees, then a chain
            leaf = helper.make_graph(
                [helper.make_node("Neg", ["x"], ["n"])], "n", [], [_value("n", 2, 3)]
            )
            node = helper.make_node("If", ["c"], [f"y{k}"], then_branch=body, else_branch=leaf)
        body = helper.make_graph([node], f"g{k}", [], [_value(f"y{k}", 2, 3)])
    body.input.extend([helper.make_tensor_value_info("c", 9, []), _value("x", 2, 3)])
    found = layers(helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)]))
    deepest = [layer for layer in found.values() if layer.op_type == "Relu"]
    assert len(deepest) == 4
    assert {len(layer.branches) for layer in deepest} == {depth}
    assert {layer.outputs for layer in found.values()} == {((2, 3),)}


def _value(name, *shape):
    return helper.make_tensor_value_info(name, 1, shape)


def test_graphs_and_functions_that_nest_too_deep_are_refused():
    functions = [
        f"""{F}f{k} (c) => (b) {{ b = If (c) <
            then_branch = t () => (bool p) {{ p = local.f{k + 1} (c) }},
            else_branch = e () => (bool q) {{ q = Not (c) }}> }}"""
        for k in range(60)
    ]
    source = "g (bool c) => (bool y) { y = local.f0 (c) }" + "".join(functions)
    with pytest.raises(ModelError, match="graphs nest deeper"):
        network(source)


@pytest.mark.parametrize(
    "source",
    [
        "g (bool c) => (float[] y) { y = If (c) }",
        "g (bool c) => (float[] y) { y = If <then_branch = t () => (bool d) { d = Not (c) }> (c) }",
    ],
)
def test_an_if_without_its_branches_is_refused(source):
    with pytest.raises(ModelError, match=r"^m.onnx: If 'y' has no graph"):
        network(source)


# --- local functions


def test_a_function_called_twice(tmp_path):
    source = f"""g (float[2, 3] x) => (float[] y) {{
      h = local.f (x)
      y = local.f (h)
    }}{F}f (a) => (b) {{ t = Transpose (a) [work] b = Relu (t) }}"""
    found = network(source)
    assert [layer.id for layer in found.layers] == ["h/t", "h/b", "y/t", "y/b"]
    assert [layer.scope for layer in found.layers] == ["h", "h", "y", "y"]
    assert [layer.outputs for layer in found.layers] == [((3, 2),), ((3, 2),), ((2, 3),), ((2, 3),)]
    assert found.layers[2].reads == ("h/b",)  # the value keeps its inner name
    assert found.outputs == ("y/b",)
    (y,) = _run(source, {"x": X})
    assert found.values["y/b"].shape == y.shape


def _run(source, feeds):
    from tests.model.build import run

    return run(model(source), feeds)


def test_attributes_with_defaults_and_references(tmp_path):
    source = f"""g (float[2, 3] x) => (float[] a, float[] b) {{
      a = local.outer (x)
      b = local.outer <axis = 0> (x)
    }}{F}outer <axis: int = 1> (x) => (y) {{
      h = local.inner <dim: int = @axis> (x)
      y = Relu (h)
    }}{F}inner <dim> (x) => (y) {{ y = Concat <axis: int = @dim> (x, x) }}"""
    found = network(source)
    expected = _run(source, {"x": X})
    assert [found.values[name].shape for name in found.outputs] == [y.shape for y in expected]
    assert [found.values[name].shape for name in found.outputs] == [(2, 6), (4, 3)]
    assert found.layers[0].attributes == {"axis": 1}


def test_an_attribute_that_no_call_gives_is_left_out():
    source = f"""g (float[2, 3] x) => (float[] y) {{ y = local.f (x) }}
    {F}f <perm> (a) => (b) {{ b = Transpose <perm: ints = @perm> (a) }}"""
    (layer,) = network(source).layers
    assert layer.attributes == {}
    assert layer.outputs == ((3, 2),)


def test_functions_share_the_weights_that_they_are_given():
    source = f"""g (float[2, 3] x) => (float[] y) <float[3, 3] w> {{
      h = local.f (x, w)
      y = local.f (h, w)
    }}{F}f (a, w) => (b) {{ t = Transpose (w) b = MatMul (a, t) }}"""
    assert params(network(source)) == {"w": (3, 3)}


def test_the_constants_of_a_function_are_parameters_of_each_call():
    source = f"""g (float[2] x) => (float[] y) {{ h = local.f (x) y = local.f (h) }}
    {F}f (a) => (b) {{ w = Constant <value = float[2] {{1, 2}}> () b = Mul (a, w) }}"""
    assert params(network(source)) == {"h/w": (2,), "y/w": (2,)}


def test_an_input_that_a_call_leaves_out():
    source = f"""g (float[1, 2, 4, 4] x) => (float[] y) <float[3, 2, 1, 1] w> {{
      y = local.f (x, w)
    }}{F}f (a, w, bias) => (b) {{ b = Conv (a, w, bias) }}"""
    (layer,) = network(source).layers
    assert layer.inputs[2] == (0,)
    assert layer.reads[2] == ""
    assert layer.missing == ()


def test_a_function_in_a_branch_and_a_branch_in_a_function(tmp_path):
    source = f"""g (bool c, float[2, 3] x) => (float[] y) {{
      y = If (c) <
        then_branch = t () => (float[] p) {{ p = local.f (x, c) }},
        else_branch = e () => (float[] q) {{ q = Neg (x) }}
      >
    }}{F}f (a, d) => (b) {{
      b = If (d) <
        then_branch = t () => (float[] p) {{ p = Relu (a) }},
        else_branch = e () => (float[] q) {{ q = Abs (a) }}
      >
    }}"""
    found = layers(source)
    assert list(found) == ["y.then/p/b.then/p", "y.then/p/b.else/q", "y.then/p/b", "y.else/q", "y"]
    outer, inner = Branch("y", "then"), Branch("y.then/p/b", "else")
    assert found["y.then/p/b.else/q"].branches == (outer, inner)


def test_declared_types_in_a_function_are_used():
    proto = model(f"""g (float[2] x) => (float[] y) {{ y = local.f (x) }}
    {F}f (a) => (b) {{ h = Mystery (a) b = Relu (h) }}""")
    proto.functions[0].value_info.append(_value("h", 5))
    assert layers(proto)["y/b"].outputs == ((5,),)


def test_a_function_may_replace_an_operator_of_onnx():
    proto = model("""g (float[2, 3] x) => (float[] y) { y = Mystery (x) }
    <domain: "ai.onnx", opset_import: ["" : 17]> Mystery (a) => (b) { b = Transpose (a) }""")
    assert layers(proto)["y/b"].outputs == ((3, 2),)


def test_a_function_that_calls_itself_is_refused():
    source = f"""g (float[2] x) => (float[] y) {{ y = local.f (x) }}
    {F}f (a) => (b) {{ b = local.f (a) }}"""
    with pytest.raises(ModelError, match="local::f calls itself"):
        network(source)


# --- unknown operators


def test_the_graphs_of_an_unknown_operator_are_walked():
    body = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Neg", ["a"], ["n"])],
        "b", [_value("a", 5)], [_value("n", 5)],
    )  # fmt: skip
    node = helper.make_node("Twice", ["x"], ["y"], domain="com.acme", body=body)
    more = node.attribute.add(name="more", type=onnx.AttributeProto.GRAPHS)
    more.graphs.extend([body, body])
    graph = helper.make_graph([node], "g", [_value("x", 2)], [_value("y", 2)])
    found = layers(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))
    assert list(found)[:3] == ["y.body/r", "y.body/n", "y.more/r"]
    assert {layer.trips for id_, layer in found.items() if "/" in id_} == {None}
    assert found["y.body/n"].outputs == ((5,),)
    assert found["y"].outputs == ((2,),)  # as the model declares


def test_a_branch_of_onnx_runtime_runs_once(tmp_path):
    found = network(choice("yes"))
    assert [layer.trips for layer in found.layers] == [1, 1, 1]
    source = choice("yes").replace("[else] q = Neg", "q = Neg")
    witnessed(tmp_path, source, feeds())
