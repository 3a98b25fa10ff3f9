"""Element operations, each by hand from the conventions in ``cost.elementwise``."""

import pytest

from sepcost.cost.operators import bias_ops, elementwise_ops
from sepcost.network import ABSENT, Shape
from tests.cost.build import layer

MS = "com.microsoft"
X = (2, 3, 8, 8)
N = 2 * 3 * 64
CONV = [(1, 2, 4), (3, 2, 3)]


@pytest.mark.parametrize(
    ("op_type", "inputs", "output", "attributes", "expected"),
    [
        ("Relu", [X], X, {}, N),
        ("Add", [X, (3, 1, 1)], X, {}, N),
        ("Sum", [X, X, X], X, {}, 2 * N),
        ("Mean", [X, X, X], X, {}, 3 * N),
        ("Max", [X], X, {}, 0),
        ("Clip", [X, (), ()], X, {}, 2 * N),
        ("Clip", [X, ABSENT, ()], X, {}, N),
        ("Clip", [X], X, {"min": 0.0, "max": 6.0}, 2 * N),
        ("Softmax", [X], X, {}, 5 * N),
        ("BatchNormalization", [X, (3,), (3,), (3,), (3,)], X, {}, 2 * N),
        ("LayerNormalization", [X, (8,), (8,)], X, {}, 7 * N),
        ("MaxPool", [X], (2, 3, 4, 4), {"kernel_shape": (3, 3)}, 9 * 96),
        ("AveragePool", [X], (2, 3, 4, 4), {"kernel_shape": (2, 2)}, 4 * 96),
        ("GlobalAveragePool", [X], (2, 3, 1, 1), {}, N),
        ("ReduceSum", [X], (2, 3), {}, N),
        ("ReduceL2", [X], (2, 3), {}, 2 * N),
        ("LRN", [X], X, {"size": 5}, 9 * N),
        ("Resize", [X], (2, 3, 16, 16), {"mode": "linear"}, 2 * 4 * 4 * N),
        ("Resize", [X], (2, 3, 16, 8), {"mode": "cubic"}, 2 * 4 * 2 * N),
        ("Resize", [X], (2, 3, 16, 16), {"mode": "nearest"}, 0),
        ("GridSample", [X, (2, 4, 4, 2)], (2, 3, 4, 4), {"mode": "bilinear"}, 2 * 4 * 96),
        ("RoiAlign", [X, (5, 4)], (5, 3, 2, 2), {"sampling_ratio": 2}, 2 * 4 * 4 * 60),
        ("RoiAlign", [X, (5, 4)], (5, 3, 2, 2), {}, None),
        ("Transpose", [X], (8, 8, 3, 2), {}, 0),
        ("Gather", [X, (1,)], (1, 3, 8, 8), {}, 0),
        ("Dropout", [X], X, {}, 0),
        ("NonMaxSuppression", [(1, 9, 4), (1, 2, 9)], (3, 3), {}, None),
        ("MatMul", [(2, 3), (3, 4)], (2, 4), {}, 0),
        ("Gemm", [(2, 3), (3, 4)], (2, 4), {}, 0),
        ("Gemm", [(2, 3), (3, 4), (4,)], (2, 4), {}, 8),
        ("Gemm", [(2, 3), (3, 4), (4,)], (2, 4), {"alpha": 0.5, "beta": 2.0}, 24),
        ("Einsum", [(3, 4)], (3,), {"equation": "ij->i"}, 9),
        ("Einsum", [(3, 4)], (4, 3), {"equation": "ij->ji"}, 0),
        ("Einsum", [(3, 4), (4,)], (3,), {"equation": "ij,j->i"}, 0),
        ("Conv", [(1, 2, 4), (3, 2, 3)], (1, 3, 2), {}, 0),
        ("Conv", [(1, 2, 4), (3, 2, 3), (3,)], (1, 3, 2), {}, 6),
        ("QLinearConv", [(1, 2, 4), (), (), (3, 2, 3), (), (), (), ()], (1, 3, 2), {}, 12),
        ("QLinearMatMul", [(2, 3), (), (), (3, 4), (), (), (), ()], (2, 4), {}, 16),
        ("QuantizeLinear", [X, ()], X, {}, 2 * N),
    ],
)
def test_standard_operators(op_type, inputs, output, attributes, expected):
    assert elementwise_ops(layer(op_type, inputs, [output], **attributes)) == expected


@pytest.mark.parametrize(
    ("op_type", "inputs", "output", "attributes", "expected"),
    [
        ("FusedConv", [*CONV, (3,), (1, 3, 2)], (1, 3, 2), {"activation": "Relu"}, 18),
        ("FusedConv", CONV, (1, 3, 2), {"activation": "Relu"}, 6),
        ("FusedGemm", [(2, 3), (3, 4), (4,)], (2, 4), {"activation": "Relu"}, 16),
        ("FusedMatMul", [(2, 3), (3, 4)], (2, 4), {"alpha": 0.125}, 8),
        ("GemmFastGelu", [(2, 3), (3, 4), (4,)], (2, 4), {}, 16),
        ("FastGelu", [X, (8,)], X, {}, 2 * N),
        ("BiasGelu", [X, (8,)], X, {}, 2 * N),
        ("SkipLayerNormalization", [X, X, (8,), (8,), (8,)], X, {}, 9 * N),
        ("SkipSimplifiedLayerNormalization", [X, X, (8,)], X, {}, 5 * N),
        ("MatMulNBits", [(2, 64), (4, 2, 16), (8,)], (2, 4), {}, 0),
        ("BeamSearch", [X], X, {}, None),
    ],
)  # fmt: skip
def test_contrib_operators(op_type, inputs, output, attributes, expected):
    assert elementwise_ops(layer(op_type, inputs, [output], MS, **attributes)) == expected


@pytest.mark.parametrize(
    ("op_type", "gates", "bias", "expected"),
    [
        ("LSTM", 4, False, 9),
        ("LSTM", 4, True, 13),
        ("GRU", 3, False, 8),
        ("GRU", 3, True, 11),
        ("RNN", 1, True, 2),
    ],
)
def test_recurrent_cells_work_on_every_element_of_the_hidden_state(op_type, gates, bias, expected):
    inputs: list[Shape] = [(5, 2, 3), (2, gates * 4, 3), (2, gates * 4, 4)]
    inputs += [(2, 2 * gates * 4)] if bias else []
    found = elementwise_ops(layer(op_type, inputs, [(5, 2, 2, 4)]))
    assert found == 5 * 2 * 2 * 4 * expected


def test_peepholes_and_the_quantised_layout():
    inputs = [(5, 2, 3), (1, 16, 3), (1, 16, 4), ABSENT, ABSENT, ABSENT, ABSENT, (1, 12)]
    assert elementwise_ops(layer("LSTM", inputs, [(5, 1, 2, 4)])) == 5 * 2 * 4 * (9 + 6)
    quantised = layer(
        "DynamicQuantizeLSTM", [(5, 2, 3), (1, 3, 16), (1, 4, 16)], [(5, 1, 2, 4)], MS
    )
    assert elementwise_ops(quantised) == 5 * 2 * 4 * 9


def test_attention_works_on_every_score():
    q, k = (2, 6, 5, 4), (2, 2, 7, 4)
    plain = layer("Attention", [q, k, k], [q])
    assert elementwise_ops(plain) == 6 * (2 * 6 * 5 * 7)
    masked = layer("Attention", [q, k, k, (5, 7)], [q], is_causal=1, softcap=30.0)
    assert elementwise_ops(masked) == (6 + 2 + 3) * (2 * 6 * 5 * 7)


def test_projected_attention_adds_its_bias_to_the_projections():
    inputs = [(2, 5, 10), (10, 72), (72,), (2, 5)]
    found = layer("Attention", inputs, [(2, 5, 24)], MS, num_heads=6)
    assert elementwise_ops(found) == 7 * (2 * 6 * 5 * 5) + 2 * 5 * 72


def test_bias_is_known_to_convolutions_and_matrix_products():
    assert bias_ops(layer("Gemm", [(2, 3), (3, 4), (4,)], [(2, 4)])) == 8
    assert bias_ops(layer("QGemm", [(2, 3), *[(1,)] * 6], [(2, 4)], MS)) == 8
    assert bias_ops(layer("MatMul", [(2, 3), (3, 4)], [(2, 4)])) == 0
    assert bias_ops(layer("ConvInteger", [(1, 2, 4), (3, 2, 3), (), ()], [(1, 3, 2)])) == 0
