"""Products of nameless weights take the module of the bias behind them."""

import numpy as np
import onnx.parser
import pytest
from onnx import numpy_helper

from sepcost.model.describe import describe
from sepcost.model.load import Loaded

WEIGHTS = {
    "val_1": np.zeros((4, 6), np.float32),
    "val_1_quantized": np.zeros((4, 6), np.uint8),
    "zero": np.array(0, np.uint8),
    "scale": np.array(1, np.float32),
    "wide": np.zeros((1, 6), np.float32),
    "fc.bias": np.zeros(6, np.float32),
    "free": np.zeros(6, np.float32),
}


def names(nodes):
    """Names of the layers of a model from x [2, 4] to y, after its nodes in ONNX text."""
    model = onnx.parser.parse_model(
        f'<ir_version: 9, opset_import: ["": 17]> g (float[2, 4] x) => (float[2, 6] y) {{{nodes}}}'
    )
    for at, node in enumerate(model.graph.node):
        node.name = f"node_{node.op_type}_{at}"
        node.input[:] = [name.replace("_bias", ".bias") for name in node.input]
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name)
        for name, value in WEIGHTS.items()
        if name in used
    )
    return [layer.name for layer in describe(Loaded("m", "m.onnx", model)).layers]


def test_a_product_before_a_bias():
    assert names("a = MatMul (x, val_1)  y = Add (a, fc_bias)") == ["fc", "fc"]


def test_a_product_that_was_quantised():
    """As quantize_dynamic writes it: an integer product, its scale, then the bias."""
    found = names(
        "q, s, z = DynamicQuantizeLinear (x)  a = MatMulInteger (q, val_1_quantized, z, zero)"
        "  b = Cast <to = 1> (a)  t = Mul (s, scale)  c = Mul (b, t)  y = Add (c, fc_bias)"
    )
    assert found == [
        "node_DynamicQuantizeLinear_0", "fc", "fc/Cast_2", "node_Mul_3", "fc/Mul_4", "fc",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "nodes",
    [
        "a = MatMul (x, val_1)  b = Relu (a)  y = Add (b, fc_bias)",  # not its bias
        "a = MatMul (x, val_1)  b = Mul (a, wide)  y = Add (b, fc_bias)",  # no scale
        "a = MatMul (x, val_1)  b = Sigmoid (a)  c = Mul (a, b)  y = Add (c, fc_bias)",
        "a = MatMul (x, val_1)  y = Add (a, free)",
        "a = MatMul (x, val_1)  y = Add (a, a)",
        "y = MatMul (x, val_1)",
    ],
)
def test_other_products_keep_their_names(nodes):
    assert names(nodes)[0] == "node_MatMul_0"
