"""A model and its quantised, 4-bit or optimised copy, as ONNX Runtime writes them, are paired."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    quantize_dynamic,
    quantize_static,
)

import sepcost
from sepcost.cost.match import match

pytestmark = pytest.mark.filterwarnings("ignore")  # of the quantisers


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Two equal convolutions, a depthwise one and two equal matrix products.

    16 channels fill a block of ONNX Runtime's blocked layout, which pads fewer.
    """
    random = np.random.default_rng(0)
    shapes = {
        "a.weight": (16, 16, 3, 3), "b.weight": (16, 16, 3, 3), "c.weight": (16, 1, 3, 3),
        "d.weight": (64, 64), "e.weight": (64, 64),
    }  # fmt: skip
    weights = [
        numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    shape = numpy_helper.from_array(np.array([1, 16, 64]), "shape")
    make = helper.make_node
    nodes = [
        make("Conv", ["x", "a.weight"], ["1"], "Conv_0", pads=[1, 1, 1, 1]),
        make("Relu", ["1"], ["2"], "Relu_1"),
        make("Conv", ["2", "b.weight"], ["3"], "Conv_2", pads=[1, 1, 1, 1]),
        make("Relu", ["3"], ["4"], "Relu_3"),
        make("Conv", ["4", "c.weight"], ["5"], "Conv_4", pads=[1, 1, 1, 1], group=16),
        make("Reshape", ["5", "shape"], ["6"], "Reshape_5"),
        make("MatMul", ["6", "d.weight"], ["7"], "MatMul_6"),
        make("Relu", ["7"], ["8"], "Relu_7"),
        make("MatMul", ["8", "e.weight"], ["y"], "MatMul_8"),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 16, 64])],
        [*weights, shape],
    )  # fmt: skip
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("models") / "original.onnx"
    onnx.save(proto, path)
    return path


class Data(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self):
        random = np.random.default_rng(1)
        self.rows = iter(
            {"x": random.standard_normal((1, 16, 8, 8)).astype(np.float32)} for _ in range(4)
        )

    def get_next(self):
        return next(self.rows, None)


def qdq(source, target):
    quantize_static(source, target, Data(), quant_format=QuantFormat.QDQ, per_channel=True)


def qlinear(source, target):
    quantize_static(source, target, Data(), quant_format=QuantFormat.QOperator)


def four_bits(source, target):
    """Names as ONNX Runtime's MatMulNBitsQuantizer gives them."""
    proto = onnx.load(source)
    proto.opset_import.add(domain="com.microsoft", version=1)
    for node in proto.graph.node:
        if node.op_type == "MatMul":
            weight = node.input[1]
            packed = np.zeros((64, 2, 16), np.uint8)
            scales = np.ones(128, np.float32)
            proto.graph.initializer.extend(
                [
                    numpy_helper.from_array(packed, f"{weight}_Q4"),
                    numpy_helper.from_array(scales, f"{weight}_scales"),
                ]
            )
            fours = helper.make_node(
                "MatMulNBits", [node.input[0], f"{weight}_Q4", f"{weight}_scales"], node.output,
                f"{node.name}_Q4", domain="com.microsoft", K=64, N=64, bits=4, block_size=32,
            )  # fmt: skip
            node.CopyFrom(fours)
    onnx.save(proto, target)


def optimised(source, target):
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(target)
    ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def optimised_integers(source, target):
    between = target.with_name("between.onnx")
    qdq(source, between)
    optimised(between, target)


COPIES = {
    "dynamic": quantize_dynamic,
    "qdq": qdq,
    "qlinear": qlinear,
    "four bits": four_bits,
    "optimised": optimised,
    "optimised integers": optimised_integers,
}


@pytest.mark.parametrize("name", COPIES)
def test_every_weighted_layer_has_its_pair(name, original, tmp_path):
    COPIES[name](original, tmp_path / "copy.onnx")
    old, new = sepcost.analyze(original), sepcost.analyze(tmp_path / "copy.onnx")
    pairs = match([row.layer for row in old.rows], [row.layer for row in new.rows])
    paired = {old.rows[b].layer.name: new.rows[a].macs for a, b in pairs.items()}
    macs = {"a": 147456, "b": 147456, "c": 9216, "d": 65536, "e": 65536}
    assert {name: count for name, count in paired.items() if count} == macs
    assert old.totals.macs == new.totals.macs == sum(macs.values())


def test_a_residual_whose_branches_swapped_places_is_paired(tmp_path):
    """ONNX Runtime runs the short branch first, which the last convolution then adds."""
    random = np.random.default_rng(0)
    shapes = {"a": (16, 16, 3, 3), "b": (16, 16, 3, 3), "short": (16, 16, 1, 1)}
    weights = [
        numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), f"{name}.weight")
        for name, shape in shapes.items()
    ]
    make, pads = helper.make_node, [1, 1, 1, 1]
    nodes = [
        make("Conv", ["x", "a.weight"], ["1"], "Conv_0", pads=pads, strides=[2, 2]),
        make("Relu", ["1"], ["2"], "Relu_1"),
        make("Conv", ["2", "b.weight"], ["3"], "Conv_2", pads=pads),
        make("Conv", ["x", "short.weight"], ["4"], "Conv_3", strides=[2, 2]),
        make("Add", ["3", "4"], ["5"], "Add_4"),
        make("Relu", ["5"], ["y"], "Relu_5"),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [value("x", TensorProto.FLOAT, [1, 16, 8, 8])],
        [value("y", TensorProto.FLOAT, None)], weights,
    )  # fmt: skip
    source = tmp_path / "original.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), source
    )
    optimised(source, tmp_path / "copy.onnx")
    changes = sepcost.diff(source, tmp_path / "copy.onnx").changes
    alone = [each.new or each.old for each in changes if str(each.kind) in {"added", "removed"}]
    assert not [row.layer.name for row in alone if row and row.macs]
