"""MAC formulas, by hand and against ONNX Runtime's sums over ones."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepcost.cost.macs import conv_transpose_at_output
from sepcost.cost.operators import OPERATORS
from sepcost.network import ABSENT, Layer, Shape
from tests.cost.build import layer
from tests.cost.witness import ones_sum, run

MS = "com.microsoft"


def macs(found: Layer) -> int:
    return OPERATORS[found.domain, found.op_type](found)


I8, U8 = np.int8, np.uint8
WITNESSED: dict[str, tuple[str, list[Shape], tuple[Any, ...], dict[str, Any]]] = {
    "conv": ("Conv", [(2, 3, 7, 8), (4, 3, 3, 2)], (), {}),
    "conv 1-D, stride, dilation": (
        "Conv", [(1, 4, 20), (6, 4, 3)], (), {"strides": [2], "dilations": [3]},
    ),
    "conv 3-D": ("Conv", [(1, 2, 5, 6, 7), (3, 2, 2, 3, 1)], (), {"strides": [1, 2, 3]}),
    "conv grouped": ("Conv", [(1, 6, 5, 5), (9, 2, 3, 3)], (), {"group": 3}),
    "conv depthwise": ("Conv", [(1, 6, 5, 5), (6, 1, 3, 3)], (), {"group": 6}),
    "conv auto_pad VALID": (
        "Conv", [(1, 2, 9, 9), (3, 2, 3, 3)], (),
        {"auto_pad": "VALID", "strides": [2, 2], "dilations": [2, 2]},
    ),
    "transposed": ("ConvTranspose", [(2, 3, 4, 5), (3, 6, 3, 2)], (), {}),
    "transposed, stride and groups": (
        "ConvTranspose", [(1, 4, 4, 5), (4, 3, 3, 3)], (), {"strides": [2, 3], "group": 2},
    ),
    "transposed, output padding": (
        "ConvTranspose", [(1, 2, 5), (2, 3, 3)], (), {"strides": [2], "output_padding": [1]},
    ),
    "integer": ("ConvInteger", [(1, 2, 6, 6), (3, 2, 3, 3)], (U8, U8), {}),
    "gemm": ("Gemm", [(3, 4), (4, 5)], (), {}),
    "gemm transposed": ("Gemm", [(4, 3), (5, 4)], (), {"transA": 1, "transB": 1}),
    "matmul": ("MatMul", [(3, 4), (4, 5)], (), {}),
    "matmul broadcast": ("MatMul", [(7, 1, 3, 4), (2, 4, 5)], (), {}),
    "vector by matrix": ("MatMul", [(4,), (2, 4, 5)], (), {}),
    "matrix by vector": ("MatMul", [(2, 3, 4), (4,)], (), {}),
    "vector by vector": ("MatMul", [(4,), (4,)], (), {}),
    "matmul integer": ("MatMulInteger", [(2, 3, 4), (4, 5)], (U8, U8), {}),
    "einsum": ("Einsum", [(2, 3, 4), (2, 5, 4)], (), {"equation": "bid,bjd->bij"}),
    "einsum implicit": ("Einsum", [(3, 4), (4, 5)], (), {"equation": "ij,jk"}),
    "einsum ellipsis": ("Einsum", [(7, 3, 4), (4, 5)], (), {"equation": "...ij,jk->...ik"}),
}  # fmt: skip


@pytest.mark.parametrize("case", WITNESSED)
def test_the_sum_over_ones_is_the_macs(case):
    op_type, shapes, dtypes, attributes = WITNESSED[case]
    found, total = ones_sum(op_type, shapes, dtypes, **attributes)
    assert macs(found) == total


@pytest.mark.parametrize(
    ("op_type", "shapes", "attributes"),
    [
        ("FusedMatMul", [(2, 4, 3), (2, 5, 4)], {"transA": 1, "transB": 1}),
        ("FusedMatMul", [(3, 2, 4), (2, 4, 5)], {"transBatchA": 1}),
        ("FusedMatMul", [(4, 2, 3), (2, 4, 5)], {"transBatchA": 1, "transA": 1}),
        ("FusedMatMul", [(2, 3, 4), (4, 2, 5)], {"transBatchB": 1}),
        ("TransposeMatMul", [(4, 3), (4, 5)], {"transA": 1}),
        ("FusedGemm", [(4, 3), (5, 4)], {"transA": 1, "transB": 1, "activation": "Relu"}),
        ("FusedConv", [(1, 2, 6, 6), (3, 2, 3, 3)], {"activation": "Relu", "strides": [2, 2]}),
    ],
)
def test_the_sum_over_ones_is_the_macs_of_a_contrib_operator(op_type, shapes, attributes):
    found, total = ones_sum(op_type, shapes, domain=MS, **attributes)
    assert macs(found) == total


def test_quantised_products_sum_up_on_ones_too():
    f, u = np.float32, np.uint8
    found, total = ones_sum(
        "QLinearConv",
        [(1, 2, 6, 6), (), (), (3, 2, 3, 3), (), (), (), ()],
        (u, f, u, u, f, u, f, u),
    )
    # with every zero point 1, (1 - 1) * (1 - 1) sums to zero: only shapes can tell
    assert found.outputs == ((1, 3, 4, 4),)
    assert total == found.outputs[0][1] * 16  # the output's zero point
    assert macs(found) == 1 * 3 * 4 * 4 * 2 * 9


def test_matmul_integer_to_float_reads_k_from_a():
    shapes = [(2, 3), (3, 5), (), ()]
    found, total = ones_sum("MatMulIntegerToFloat", shapes, (U8, U8), domain=MS)
    assert macs(found) == total == 2 * 3 * 5


@settings(max_examples=25, deadline=None)
@given(
    group=st.integers(1, 3),
    per_in=st.integers(1, 3),
    per_out=st.integers(1, 3),
    kernel=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    stride=st.integers(1, 3),
    transposed=st.booleans(),
)
def test_any_unpadded_convolution_sums_to_its_macs(
    group, per_in, per_out, kernel, stride, transposed
):
    spatial = [side + 3 for side in kernel]
    data = (2, group * per_in, *spatial)
    weight = (
        (group * per_in, per_out, *kernel) if transposed else (group * per_out, per_in, *kernel)
    )
    found, total = ones_sum(
        "ConvTranspose" if transposed else "Conv",
        [data, weight],
        group=group,
        strides=[stride] * len(kernel),
    )
    assert macs(found) == total


def test_padding_counts_as_full_work():
    found, total = ones_sum("Conv", [(1, 1, 4, 4), (1, 1, 3, 3)], pads=[1, 1, 1, 1])
    assert macs(found) == 16 * 9
    assert total == 100  # the 144 without the products with padding


def test_transposed_convolution_cut_by_pads_counts_its_input():
    found, _ = ones_sum("ConvTranspose", [(1, 3, 4), (3, 2, 4)], pads=[1, 1], strides=[2])
    assert macs(found) == 3 * 4 * 2 * 4
    assert conv_transpose_at_output(found) == (2 * 8) * 3 * 4


def test_transposed_at_output_reduces_over_the_group():
    found = layer("ConvTranspose", [(1, 4, 5, 5), (4, 3, 2, 2)], [(1, 6, 10, 10)], group=2)
    assert conv_transpose_at_output(found) == 6 * 100 * (4 // 2) * 4


def test_deformable_convolution_sums_as_its_regular_one():
    shapes = [(1, 2, 4, 4), (3, 2, 2, 2), (1, 8, 3, 3)]
    assert macs(layer("DeformConv", shapes, [(1, 3, 3, 3)])) == 27 * 2 * 4


@pytest.mark.parametrize(
    ("op_type", "gates", "directions", "layout"),
    [("LSTM", 4, 1, 0), ("LSTM", 4, 2, 0), ("GRU", 3, 2, 0), ("RNN", 1, 1, 1), ("LSTM", 4, 2, 1)],
)
def test_recurrent_cells_use_their_weights_once_per_step(op_type, gates, directions, layout):
    seq, batch, size, hidden = 5, 2, 3, 4
    x = (batch, seq, size) if layout else (seq, batch, size)
    w, r = (directions, gates * hidden, size), (directions, gates * hidden, hidden)
    found = layer(op_type, [x, w, r], [(seq, directions, batch, hidden)], layout=layout)
    assert macs(found) == seq * batch * directions * gates * hidden * (size + hidden)


def test_a_linear_recurrence_run_as_matrix_products_sums_to_the_rnn():
    """The unrolled cell multiplies by W and by R for each step and sequence."""
    steps, batch, size, hidden = 3, 2, 4, 5
    _, by_w = ones_sum("Gemm", [(batch, size), (hidden, size)], transB=1)
    _, by_r = ones_sum("Gemm", [(batch, hidden), (hidden, hidden)], transB=1)
    x, w, r = (steps, batch, size), (1, hidden, size), (1, hidden, hidden)
    found, _ = run("RNN", [x, w, r], hidden_size=hidden)
    assert macs(found) == steps * (by_w + by_r)


def test_quantised_lstm_keeps_its_weights_transposed():
    x, w, r = (5, 2, 3), (1, 3, 16), (1, 4, 16)
    found = layer("DynamicQuantizeLSTM", [x, w, r], [(5, 1, 2, 4)], MS)
    assert macs(found) == 5 * 2 * 16 * (3 + 4)


@pytest.mark.parametrize(
    ("op_type", "domain", "inputs", "outputs", "expected"),
    [
        ("MatMulNBits", MS, [(2, 3, 64), (10, 2, 16), (20,)], [(2, 3, 10)], 2 * 3 * 10 * 64),
        ("MatMulBnb4", MS, [(3, 64), (320,), (10,)], [(3, 10)], 3 * 10 * 64),
        ("DynamicQuantizeMatMul", MS, [(3, 4), (4, 5), ()], [(3, 5)], 60),
        ("GemmFastGelu", MS, [(3, 4), (4, 5)], [(3, 5)], 60),
        ("MatMulNBitsMlp", MS, [(3, 64)], [(3, 10)], 2 * 3 * 64 * 10),
        ("MatMulNBitsQkv", MS, [(3, 64)], [(3, 10), (3, 5), (3, 5), (3, 64)], 3 * 64 * 20),
        (
            "MatMulNBitsQLoRA", MS,
            [(3, 64), (10, 2, 16), (20,), (4, 2, 16), (4, 2), (10, 1, 16), (10, 1)], [(3, 10)],
            3 * (64 * 10 + 64 * 4 + 4 * 10),
        ),
        (  # an adapter whose second half is left empty
            "MatMulNBitsQLoRA", MS,
            [(3, 64), (10, 2, 16), (20,), (4, 2, 16), (4, 2), (10, 0, 16), (10, 1)], [(3, 10)],
            3 * 64 * 10,
        ),
        (  # and one whose first half is
            "MatMulNBitsQLoRA", MS,
            [(3, 64), (10, 2, 16), (20,), (0, 2, 16), (4, 2), (10, 1, 16), (10, 1)], [(3, 10)],
            3 * (64 * 10 + 4 * 10),
        ),
        ("MatMulNBits", MS, [(2, 3, 64), (10, 0, 16), (0,)], [(2, 3, 10)], 0),
        ("QLinearMatMul", "", [(3, 4), (), (), (4, 5), (), (), (), ()], [(3, 5)], 60),
        ("NhwcConv", MS, [(1, 6, 6, 2), (3, 2, 3, 3)], [(1, 4, 4, 3)], 48 * 2 * 9),
        ("NhwcFusedConv", MS, [(1, 6, 6, 4), (4, 1, 3, 3)], [(1, 4, 4, 4)], 64 * 9),
        ("Conv", "com.microsoft.nchwc", [(1, 8, 6, 6), (8, 8, 3, 3)], [(1, 8, 4, 4)], 128 * 72),
        (
            "ConvTransposeWithDynamicPads", MS, [(1, 3, 4, 4), (3, 2, 2, 2), (4,)],
            [(1, 2, 5, 5)], 48 * 8,
        ),
        ("CausalConvWithState", MS, [(2, 10, 6), (6, 1, 4)], [(2, 10, 6)], 120 * 4),
        ("VarlenCausalConvWithState", MS, [(20, 6), (6, 1, 4), (3,)], [(20, 6)], 120 * 4),
        # 3 rows of 5; the gate of each is given, or a product of 4 with a weight
        ("GatedAdd", MS, [(3, 5), (3, 5), (3, 1)], [(3, 5)], 0),
        ("GatedAdd", MS, [(3, 5), (3, 5), (3, 4), (4, 1)], [(3, 5)], 3 * 4),
        ("RouterGateUpProj", MS, [(2, 3, 8), (8, 20)], [(2, 3, 4), (2, 3, 8)], 6 * 8 * 20),
        ("MoEGroupRouter", MS, [(6, 16), (16,)], [(6, 16)], 0),
        ("MoEGroupRouter", MS, [(6, 256), (16,), (16, 256)], [(6, 16)], 6 * 256 * 16),
        ("CausalConvWithState", "", [(2, 6, 10), (6, 1, 4)], [(2, 6, 10)], 120 * 4),
        ("AffineGrid", "", [(2, 2, 3), (4,)], [(2, 5, 6, 2)], 2 * 30 * 2 * 3),
    ],
)  # fmt: skip
def test_by_hand(op_type, domain, inputs, outputs, expected):
    assert macs(layer(op_type, inputs, outputs, domain)) == expected


NONE = ABSENT
MIXTURES = [
    # 6 tokens of 8, 4 experts of 16: 8 * 16 there and back
    ("MoE", [(6, 8), (6, 4), (4, 16, 8), NONE, (4, 8, 16)], {"k": 1}, 6 * 2 * 128),
    ("MoE", [(2, 3, 8), (6, 4), (4, 16, 8), (4, 16), (4, 8, 16)], {"k": 2}, 12 * 2 * 128),
    ("MoE", [(6, 8), (6, 4), (4, 16, 8), NONE, (4, 8, 16), NONE, (4, 16, 8)], {"k": 2},
     12 * 3 * 128),
    # gate and up in one: 8 * 32, then 16 * 8
    ("MoE", [(6, 8), (6, 4), (4, 32, 8), NONE, (4, 8, 16)],
     {"k": 3, "activation_type": "swiglu", "swiglu_fusion": 1}, 18 * (256 + 128)),
    # 64 to 32 and back: 2048 each; 4 bits, 8 bits, 4 and 8, two FP4 to a byte, FP8
    ("QMoE", [(6, 64), (6, 4), (4, 32, 32), (4, 32), NONE, (4, 64, 16), (4, 64)], {"k": 2},
     12 * 4096),
    ("QMoE", [(6, 64), (6, 4), (4, 32, 64), (4, 32), NONE, (4, 64, 32), (4, 64)],
     {"k": 2, "expert_weight_bits": 8}, 12 * 4096),
    ("QMoE", [(6, 64), (6, 4), (4, 32, 32), (4, 32), NONE, (4, 64, 32), (4, 64)],
     {"k": 2, "fc2_expert_weight_bits": 8}, 12 * 4096),
    ("QMoE", [(6, 64), (6, 4), (4, 64, 16), (4, 32), NONE, (4, 32, 32), (4, 64)],
     {"k": 2, "quant_type": "nvfp4"}, 12 * 4096),
    ("QMoE", [(6, 64), (6, 4), (4, 32, 64), (4, 32), NONE, (4, 64, 32), (4, 64)],
     {"k": 2, "quant_type": "fp8"}, 12 * 4096),
    ("QMoE", [(6, 64), (6, 4), (4, 32, 32), (4, 32), NONE, (4, 64, 16), (4, 64), NONE,
              (4, 32, 32)], {"k": 2}, 12 * 6144),
    ("MoEPacked", [(2, 3, 64), (6, 4), (4, 32, 99), (4, 32, 99), (4, 64, 77)], {"k": 2},
     12 * 3 * 64 * 32),
    ("MoEPacked", [(2, 3, 64), (6, 4), (4, 32, 99), NONE, (4, 64, 77)], {"k": 2},
     12 * 2 * 64 * 32),
]  # fmt: skip


@pytest.mark.parametrize(("op_type", "inputs", "attributes", "expected"), MIXTURES)
def test_each_token_goes_to_k_experts(op_type, inputs, attributes, expected):
    assert macs(layer(op_type, inputs, [inputs[0]], MS, **attributes)) == expected


def test_gemm_of_another_domain_reads_its_transposes():
    inputs = [(4, 3), (), (), (4, 5), (), ()]
    assert macs(layer("QGemm", inputs, [(3, 5)], MS, transA=1)) == 60
    assert macs(layer("GemmFloat8", [(4, 3), (4, 5)], [(3, 5)], MS, transA=1)) == 60


def test_linear_models_use_each_coefficient_once():
    found = layer(
        "LinearClassifier", [(7, 4)], [(7,), (7, 3)], "ai.onnx.ml", coefficients=(0.5,) * 12
    )
    assert macs(found) == 7 * 12
    found = layer("LinearRegressor", [(7, 4)], [(7, 1)], "ai.onnx.ml", coefficients=(0.5,) * 4)
    assert macs(found) == 7 * 4
