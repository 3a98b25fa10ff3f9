"""The layer language, feature by feature: the text and the resulting graph."""

import re
import textwrap
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

import sepcost.model.spec as spec_module
from sepcost.errors import SpecError
from sepcost.model.spec import build
from sepcost.model.spec.call import scaled
from sepcost.model.spec.convs import OPERATORS
from sepcost.model.spec.language import ACTIVATIONS, COMMON, DEFAULTS, KINDS, Spec
from sepcost.model.spec.layers import JOINS, LAYERS
from sepcost.model.spec.shipped import networks

#: A network for each kind of layer with every key that it accepts.
EVERYTHING = """
name = "everything"
description = "one of each"
input = [4, 12, 12]
defaults = { padding = "same" }
layers = [
  { conv = 8, kernel = [3, 5], stride = [1, 2], padding = [1, 0, 1, 1], dilation = [1, 2] },
  { conv = 8, groups = 2, bias = false, batch_norm = true, activation = "relu6", name = "stem" },
  { pointwise_conv = 8, groups = 4, activation = "prelu" },
  { depthwise_conv = true, multiplier = 2, kernel = 5 },
  { layers = [{ conv = 6, activation = "leaky_relu" }, "batch_norm", "tanh"], repeat = 2 },
  { separable_conv = 8, stride = 2, batch_norm = true, activation = "swish", name = "body" },
  { layers = ["global_pool", { pointwise_conv = 8, activation = "hardsigmoid" },
              { multiply = "body" }] },
  { pool = "avg", kernel = 3, stride = 1, padding = "same" },
  { add = "body" },
  { block = "twins", width = 5, act = "elu" },
  { pool = "max" },
  { dropout = 0.1 },
  { linear = 7, batch_norm = true, activation = "sigmoid" },
  { linear = 3 },
  "softmax",
]

[blocks.twins]
defaults = { size = 3 }
layers = [
  { conv = "2 * $width", kernel = "$size", activation = "$act", name = "left" },
  { conv = "$in - 1", name = "right", from = "input" },
  { concat = ["left", "right", "input"] },
]
"""


def spec(*layers: str, top: str = "input = [3, 8, 8]", blocks: str = "") -> str:
    return f"{top}\nlayers = [{', '.join(layers)}]\n{blocks}"


def nodes(text: str, **options: float) -> list[onnx.NodeProto]:
    return list(build(text, weights=False, **options).graph.node)  # type: ignore[arg-type]


def operators(text: str) -> list[str]:
    return [node.op_type for node in nodes(text)]


def attributes(node: onnx.NodeProto) -> dict[str, object]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def widths(text: str, **options: float) -> list[int]:
    """Output channels of every convolution and matrix product."""
    proto = build(text, weights=False, **options)  # type: ignore[arg-type]
    shapes = {tensor.name: tensor.dims for tensor in proto.graph.initializer}
    found = [n for n in proto.graph.node if n.op_type in ("Conv", "Gemm")]
    return [shapes[node.input[1]][0] for node in found]


def output_shape(text: str) -> list[int]:
    (output,) = build(text, weights=False).graph.output
    return [dim.dim_value for dim in output.type.tensor_type.shape.dim][1:]


def run(proto: onnx.ModelProto, batch: int = 2, seed: int = 1) -> np.ndarray:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(proto.SerializeToString(), options, ["CPUExecutionProvider"])
    shape = [batch, *session.get_inputs()[0].shape[1:]]
    feed = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return np.asarray(session.run(None, {"input": feed})[0])


def test_the_tables_know_the_same_words() -> None:
    assert set(KINDS) == {*LAYERS, *JOINS, "layers", "block"}
    assert set(ACTIVATIONS) == {*OPERATORS, "relu6", "swish", "prelu"}


def test_the_description_of_the_language_is_complete_and_its_example_builds() -> None:
    description = str(spec_module.__doc__)
    example = textwrap.dedent(description.split("::\n")[1].split("**Top level**", maxsplit=1)[0])
    assert operators(example).count("Conv") == 1 + 2 * 2 + 3 * 2
    keys = {key for kind in KINDS.values() for key in kind.keys}
    for word in {*KINDS, *keys, *COMMON, *DEFAULTS, *Spec.__dataclass_fields__}:
        assert re.search(rf"\b{word}\b", description), word


def test_everything_is_valid_onnx_and_runs() -> None:
    proto = build(EVERYTHING)
    onnx.checker.check_model(proto, full_check=True)
    names = [node.name for node in proto.graph.node]
    assert len(set(names)) == len(names)
    assert (proto.opset_import[0].version, proto.ir_version) == (17, 8)
    result = run(proto)
    assert result.shape == (2, 3)
    assert np.allclose(result.sum(axis=1), 1)


@pytest.mark.parametrize("name", [network.name for network in networks()])
def test_shipped_networks_run_and_distinguish_inputs(name: str) -> None:
    """Reduced by both multipliers for speed; the layers are the same."""
    (path,) = (network.path for network in networks() if network.name == name)
    small = name == "small-cnn"
    proto = build(path, alpha=0.25, rho=1 if small else 64 / 224)
    onnx.checker.check_model(proto, full_check=True)
    one, other = run(proto, batch=2)
    assert np.isfinite(one).all()
    assert one.max() < 0.99  # not saturated
    assert one.std() > 1e-4 / one.size  # not constant
    assert not np.allclose(one, other, rtol=1e-3)


def test_a_model_has_the_shape_it_declares() -> None:
    text = spec("{ conv = 5, stride = 2 }", "{ pool = 'max', kernel = 3, stride = 1 }")
    assert list(run(build(text)).shape) == [2, *output_shape(text)] == [2, 5, 2, 2]


def test_weights_are_the_same_every_time_and_only_dims_when_left_out() -> None:
    full, again, bare = build(EVERYTHING), build(EVERYTHING), build(EVERYTHING, weights=False)
    assert full.SerializeToString() == again.SerializeToString()
    assert list(full.graph.node) == list(bare.graph.node)
    for with_values, without in zip(full.graph.initializer, bare.graph.initializer, strict=True):
        assert (with_values.name, with_values.dims) == (without.name, without.dims)
        if with_values.dims:
            assert not without.HasField("raw_data")
            assert without.data_location == onnx.TensorProto.EXTERNAL
    assert bare.ByteSize() < 15_000


def test_weights_follow_he_after_a_relu() -> None:
    proto = build(spec("{ conv = 64, activation = 'relu' }", "{ conv = 64, bias = false }"))
    weights = {t.name: numpy_helper.to_array(t) for t in proto.graph.initializer}
    assert weights["conv_2.weight"].var() == pytest.approx(2 / (64 * 9), rel=0.05)


def test_the_batch_is_free_unless_it_is_fixed() -> None:
    def batch(text: str) -> object:
        dims = build(text, weights=False).graph.input[0].type.tensor_type.shape.dim
        return dims[0].dim_param or dims[0].dim_value

    assert batch(spec('"relu"')) == "N"
    assert batch(spec('"relu"', top="input = [3, 8, 8]\nbatch = 4")) == 4


@pytest.mark.parametrize("axes", [[], [16], [16, 12], [8, 7, 6]])
def test_inputs_have_up_to_three_spatial_axes(axes: list[int]) -> None:
    layers = ["{ separable_conv = 6, stride = 2 }", "{ pool = 'avg' }"] if axes else []
    text = spec(*layers, "{ linear = 5 }", top=f"input = {[4, *axes]}")
    assert run(build(text)).shape == (2, 5)


def test_tables_and_inline_tables_are_the_same_language() -> None:
    tables = "input = [3, 8, 8]\n[[layers]]\nconv = 4\nstride = 2\n\n[[layers]]\nrelu = true\n"
    inline = spec("{ conv = 4, stride = 2 }", '"relu"')
    assert build(tables, weights=False) == build(inline, weights=False)


def test_the_name_is_that_of_the_file_unless_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(spec('"relu"'), encoding="utf-8")
    assert build(path).graph.name == build(str(path)).graph.name == "mine"
    path.write_text('name = "yours"\n' + spec('"relu"'), encoding="utf-8-sig")
    assert build(path).graph.name == "yours"


class TestConvolutions:
    """Conv, pointwise_conv, depthwise_conv, separable_conv."""

    def test_defaults(self) -> None:
        (conv,) = nodes(spec("{ conv = 4 }"))
        assert attributes(conv) == {
            "kernel_shape": [3, 3], "strides": [1, 1], "dilations": [1, 1],
            "pads": [1, 1, 1, 1], "group": 1,
        }  # fmt: skip
        assert conv.input == ["input", "conv_1.weight", "conv_1.bias"]

    def test_a_separable_conv_is_a_depthwise_and_a_pointwise_one(self) -> None:
        keys = "batch_norm = true, activation = 'relu'"
        one = spec(f"{{ separable_conv = 8, kernel = 5, stride = 2, {keys} }}")
        two = spec(
            f"{{ depthwise_conv = true, kernel = 5, stride = 2, {keys} }}",
            f"{{ pointwise_conv = 8, {keys} }}",
        )
        expected = ["Conv", "BatchNormalization", "Relu"] * 2
        assert operators(one) == operators(two) == expected
        assert [attributes(n) for n in nodes(one)] == [attributes(n) for n in nodes(two)]

    def test_a_bias_is_left_to_the_batch_norm(self) -> None:
        assert len(nodes(spec("{ conv = 4 }"))[0].input) == 3
        assert len(nodes(spec("{ conv = 4, batch_norm = true }"))[0].input) == 2
        assert len(nodes(spec("{ conv = 4, batch_norm = true, bias = true }"))[0].input) == 3

    def test_defaults_reach_every_convolution_that_does_not_override_them(self) -> None:
        top = 'input = [3, 8, 8]\ndefaults = { activation = "relu", padding = "valid" }'
        layers = ["{ conv = 4 }", "{ conv = 4, activation = 'none' }", "{ linear = 2 }"]
        assert operators(spec(*layers, top=top)) == ["Conv", "Relu", "Conv", "Flatten", "Gemm"]
        assert output_shape(spec(*layers[:2], top=top)) == [4, 4, 4]

    @pytest.mark.parametrize(
        ("padding", "pads", "side"),
        [
            ('"same"', [0, 0, 1, 1], 4),
            ('"valid"', [0, 0, 0, 0], 3),
            ("1", [1, 1, 1, 1], 4),
            ("[0, 1]", [0, 1, 0, 1], None),
            ("[0, 0, 2, 2]", [0, 0, 2, 2], 4),
        ],
    )
    def test_padding(self, padding: str, pads: list[int], side: int | None) -> None:
        text = spec(f"{{ conv = 4, stride = 2, padding = {padding} }}")
        assert attributes(nodes(text)[0])["pads"] == pads
        assert output_shape(text) == ([4, side, side] if side else [4, 3, 4])

    @given(
        size=st.integers(1, 40),
        kernel=st.integers(1, 7),
        stride=st.integers(1, 4),
        dilation=st.integers(1, 3),
    )
    @settings(max_examples=60, deadline=None)
    def test_same_padding_is_that_of_onnx(
        self, size: int, kernel: int, stride: int, dilation: int
    ) -> None:
        """``auto_pad=SAME_UPPER`` also gives ceil(size / stride) positions."""
        keys = f"kernel = {kernel}, stride = {stride}, dilation = {dilation}"
        text = spec(f"{{ conv = 1, {keys} }}", top=f"input = [1, {size}]")
        assert output_shape(text) == [1, -(-size // stride)]
        begin, end = helper.get_node_attr_value(nodes(text)[0], "pads")
        assert 0 <= end - begin <= 1

    def test_groups_and_multiplier(self) -> None:
        text = spec("{ conv = 6, groups = 3 }", "{ depthwise_conv = true, multiplier = 2 }")
        shapes = [list(t.dims) for t in build(text, weights=False).graph.initializer]
        assert shapes == [[6, 1, 3, 3], [6], [12, 1, 3, 3], [12]]


class TestMultipliers:
    """Alpha and rho, as defined in sections 3.3 and 3.4 of Howard et al. 2017."""

    def test_alpha_scales_all_widths_but_the_image_and_the_classes(self) -> None:
        layers = ["{ conv = 32 }", "{ separable_conv = 64 }", "{ linear = 100 }", "{ linear = 10 }"]
        assert widths(spec(*layers), alpha=0.5) == [16, 16, 32, 50, 10]
        assert widths(spec(*layers, '"softmax"'), alpha=0.5)[-1] == 10

    @pytest.mark.parametrize(
        ("layers", "last"),
        [
            (["{ conv = 10 }", '"relu"', '"global_pool"'], 10),
            (["{ conv = 10 }", '"softmax"'], 10),
            (["{ conv = 10 }", '"relu"'], 5),  # a body without a classifier
            (["{ separable_conv = 10 }", '"global_pool"'], 5),
            (["{ conv = 10, alpha = 1 }"], 10),
            (["{ conv = 10, min_alpha = 0.8 }"], 8),
            (["{ conv = 10, min_alpha = 0.3 }"], 5),
            (["{ linear = 10, alpha = 0.5 }"], 5),
        ],
    )
    def test_the_classifier(self, layers: list[str], last: int) -> None:
        assert widths(spec("{ conv = 4 }", *layers), alpha=0.5)[-1] == last

    def test_a_width_computed_from_the_input_is_not_scaled_again(self) -> None:
        assert widths(spec("{ conv = 8 }", "{ conv = '6 * $in' }"), alpha=0.5) == [4, 24]

    def test_the_callers_multipliers_override_the_spec(self) -> None:
        text = spec("{ conv = 8 }", top="input = [3, 8, 8]\nalpha = 0.5\nrho = 0.5")
        assert (widths(text), output_shape(text)) == ([4], [4, 4, 4])
        assert widths(text, alpha=2) == [16]
        dims = build(text, rho=2, weights=False).graph.input[0].type.tensor_type.shape.dim
        assert [dim.dim_value for dim in dims][1:] == [3, 16, 16]

    def test_widths_are_rounded_to_the_nearest(self) -> None:
        assert [scaled(n, 0.75, 1) for n in (1, 2, 3, 32)] == [1, 2, 2, 24]
        assert scaled(100, 0.29, 1) == 29  # 0.29 * 100 is 28.999... in binary

    @given(st.integers(1, 4096), st.floats(0.05, 2), st.sampled_from([1, 2, 8, 16]))
    def test_widths_stay_near_alpha_and_divide(
        self, channels: int, alpha: float, divisor: int
    ) -> None:
        width = scaled(channels, alpha, divisor)
        if alpha == 1:
            assert width == channels
            return
        assert width % divisor == 0
        assert width >= max(divisor, 0.9 * alpha * channels if divisor > 1 else 1)
        assert abs(width - alpha * channels) <= max(divisor, 0.5)


class TestNames:
    """From, add, multiply, concat, input, previous."""

    def test_nodes_are_numbered_by_kind_and_named_after_their_block(self) -> None:
        blocks = '[blocks.pair]\nlayers = [{ conv = 3, activation = "relu" }, { add = "input" }]'
        text = spec("{ block = 'pair', repeat = 2 }", "{ conv = 2, name = 'head' }", blocks=blocks)
        pair = ["conv_1", "conv_1/relu", "add_1"]
        names = [f"pair_{call}/{name}" for call in (1, 2) for name in pair]
        assert [node.name for node in nodes(text)] == [*names, "head"]

    def test_numbered_names_are_unique(self) -> None:
        text = spec("{ conv = 3 }", "{ conv = 3, name = 'conv_1' }", "{ conv = 3 }")
        assert len({node.name for node in nodes(text)}) == 3

    def test_from_and_lists_name_exactly_what_they_join(self) -> None:
        text = spec(
            "{ conv = 3, name = 'a' }",
            "{ conv = 3, name = 'b', from = 'input' }",
            "{ conv = 3 }",
            "{ concat = ['a', 'b', 'previous', 'input'] }",
        )
        *_, concat = nodes(text)
        assert concat.input == ["a", "b", "conv_1", "input"]
        assert output_shape(text) == [12, 8, 8]

    def test_one_name_joins_with_the_previous_layer(self) -> None:
        *_, add = nodes(spec("{ conv = 3, name = 'a' }", "'relu'", "{ add = 'a' }"))
        assert add.input == ["relu_1", "a"]

    def test_many_are_added_in_turn(self) -> None:
        layers = ["{ conv = 3, name = 'a' }", "{ conv = 3, name = 'b' }"]
        assert operators(spec(*layers, "{ add = ['a', 'b', 'input'] }"))[2:] == ["Add", "Add"]

    def test_a_gate_multiplies_each_channel_from_either_side(self) -> None:
        gate = ["{ conv = 4, name = 'x' }", "'global_pool'", "'sigmoid'"]
        for join in ("'x'", "['x', 'previous']"):
            assert output_shape(spec(*gate, f"{{ multiply = {join} }}")) == [4, 8, 8]

    def test_input_is_the_input_of_this_copy_of_the_group(self) -> None:
        text = spec("{ repeat = 3, layers = [{ conv = 3 }, { add = 'input' }] }")
        adds = [list(node.input) for node in nodes(text) if node.op_type == "Add"]
        assert adds == [
            ["group_1/conv_1", "input"],
            ["group_2/conv_1", "group_1/add_1"],
            ["group_3/conv_1", "group_2/add_1"],
        ]

    def test_a_group_sees_the_names_around_it_but_a_block_does_not(self) -> None:
        outer, join = "{ conv = 3, name = 'a' }", "{ add = 'a' }"
        assert operators(spec(outer, f"{{ layers = [{join}] }}")) == ["Conv", "Add"]
        with pytest.raises(SpecError, match="no layer named 'a'"):
            build(spec(outer, "{ block = 'b' }", blocks=f"[blocks.b]\nlayers = [{join}]\n"))


class TestBlocks:
    """Parameters, defaults, expressions."""

    BLOCK = """
[blocks.b]
defaults = { act = "none", times = 1 }
layers = [{ conv = "($c + 2) * 4 / 2", stride = "$s", activation = "$act", repeat = "$times" }]
"""

    def test_a_call_gives_every_parameter_without_a_default(self) -> None:
        text = spec("{ block = 'b', c = 3, s = [1, 2] }", blocks=self.BLOCK)
        assert (operators(text), output_shape(text)) == (["Conv"], [10, 8, 4])
        text = spec("{ block = 'b', c = 3, s = 1, act = 'elu', times = 2 }", blocks=self.BLOCK)
        assert operators(text) == ["Conv", "Elu"] * 2

    def test_a_block_passes_its_parameters_on(self) -> None:
        outer = '[blocks.o]\nlayers = [{ block = "b", c = "2 * $k", s = "$k" }]'
        text = spec("{ block = 'o', k = 2 }", blocks=self.BLOCK + outer)
        assert output_shape(text) == [12, 4, 4]

    def test_alpha_scales_what_a_block_is_given(self) -> None:
        text = spec("{ block = 'b', c = 3, s = 1 }", blocks=self.BLOCK)
        assert widths(text, alpha=0.5) == [5]


@pytest.mark.parametrize("kind", sorted(ACTIVATIONS))
def test_an_activation_is_a_word_a_layer_or_a_key(kind: str) -> None:
    word = spec("{ conv = 3 }", f'"{kind}"')
    layer = spec("{ conv = 3 }", f"{{ {kind} = true }}")
    named = spec("{ conv = 3 }", f"{{ activation = '{kind}' }}")
    key = spec(f"{{ conv = 3, activation = '{kind}' }}")
    assert operators(word) == operators(layer) == operators(named) == operators(key)
    assert np.isfinite(run(build(key))).all()


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        ("relu6", lambda x: np.clip(x, 0, 6)),
        ("swish", lambda x: x / (1 + np.exp(-x))),
        ("hardswish", lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    ],
)
def test_composed_activations_compute_their_definition(
    kind: str, function: Callable[[np.ndarray], np.ndarray]
) -> None:
    x = np.random.default_rng(1).standard_normal((2, 3, 8, 8), dtype=np.float32)
    assert np.allclose(run(build(spec(f'"{kind}"'))), function(x), atol=1e-6)


def test_dropout_is_ignored_and_linear_flattens() -> None:
    text = spec("{ dropout = 0.5 }", "'dropout'", "{ linear = 4 }", "'flatten'", "'softmax'")
    assert operators(text) == ["Flatten", "Gemm", "Softmax"]


@pytest.mark.parametrize(
    ("pool", "shape"),
    [
        ("pool = 'max'", [3, 4, 4]),
        ("pool = 'avg', kernel = 3", [3, 2, 2]),
        ("pool = 'max', kernel = 3, stride = 2, padding = 'same'", [3, 4, 4]),
        ("global_pool = 'max'", [3, 1, 1]),
    ],
)
def test_pools(pool: str, shape: list[int]) -> None:
    assert output_shape(spec(f"{{ {pool} }}")) == shape
    assert prod(run(build(spec(f"{{ {pool} }}"))).shape[1:]) == prod(shape)
