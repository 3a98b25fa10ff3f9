"""Shapes of contrib operators, compared with ONNX Runtime's outputs or worked by hand."""

import numpy as np
import pytest
from onnx import NodeProto, helper
from onnx.checker import ValidationError
from onnx.shape_inference import InferenceError

from sepcost.cost.operators import OPERATORS
from sepcost.model.contrib import RULES
from sepcost.model.infer import infer
from sepcost.model.layouts import MICROSOFT, NCHWC, NHWC
from sepcost.model.schema import schema_of
from sepcost.model.values import Known, from_array, static_shape, tensor_type
from tests.model.build import one_node, run

F, I8, U8, I32, I64, B = np.float32, np.int8, np.uint8, np.int32, np.int64, np.bool_


def f(*shape):
    return shape, F


def u8(*shape):
    return shape, U8


def i8(*shape):
    return shape, I8


def i32(*shape):
    return shape, I32


#: Scale and zero point of a quantised tensor.
Q = [f(), u8()]

# op_type, inputs, outputs, attributes of operators that ONNX Runtime runs on the CPU
RUN = [
    ("FusedConv", [f(1, 2, 8, 8), f(4, 2, 3, 3), f(4)], 1, {"activation": "Relu", "pads": [1] * 4}),
    ("FusedConv", [f(1, 2, 8, 8), f(4, 2, 3, 3), f(4), f(1, 4, 6, 6)], 1, {"activation": "Relu"}),
    ("FusedGemm", [f(2, 3), f(4, 3), f(4)], 1, {"activation": "Relu", "transB": 1}),
    ("FusedMatMul", [f(5, 2, 3), f(3, 4)], 1, {"alpha": 2.0}),
    ("FusedMatMul", [f(5, 3, 2), f(5, 4, 3)], 1, {"transA": 1, "transB": 1}),
    ("FusedMatMul", [f(2, 5, 3), f(2, 5, 4)], 1, {"transA": 1, "transBatchA": 1, "transBatchB": 1}),
    ("FusedMatMul", [f(3), f(5, 3, 4)], 1, {}),
    ("FusedMatMul", [f(5, 2, 3), f(3)], 1, {}),
    ("TransposeMatMul", [f(2, 3), f(4, 3)], 1, {"transB": 1}),
    ("MatMulInteger16", [((2, 3), np.int16), ((3, 4), np.int16)], 1, {}),
    ("MatMulIntegerToFloat", [u8(2, 3), u8(3, 4), f(), f(), u8(), u8()], 1, {}),
    ("DynamicQuantizeMatMul", [f(5, 2, 3), u8(3, 4), f(), u8()], 1, {}),
    ("MatMulNBits", [f(2, 3, 32), u8(5, 2, 8), f(5 * 2)], 1,
     {"K": 32, "N": 5, "bits": 4, "block_size": 16}),
    ("MatMulBnb4", [f(2, 32), u8(5 * 32 // 2), f(10)], 1,
     {"K": 32, "N": 5, "block_size": 16, "quant_type": 1}),
    ("MatMulBnb4", [f(7, 10), u8(320), f(10)], 1,
     {"K": 64, "N": 10, "block_size": 64, "quant_type": 1, "transB": 0}),
    ("MatMulNBits", [f(2, 3, 32), u8(5, 0, 8), f(0)], 1,
     {"K": 32, "N": 5, "bits": 4, "block_size": 16}),
    ("GatherBlockQuantized", [u8(100, 16), ((2, 3), I64), f(100, 2)], 1,
     {"bits": 4, "block_size": 16}),
    ("GatherBlockQuantized", [u8(100, 32), ((), I64), f(100, 2)], 1,
     {"bits": 8, "block_size": 16, "gather_axis": 0, "quantize_axis": -1}),
    ("MoE", [f(6, 8), f(6, 4), f(4, 16, 8), None, f(4, 8, 16)], 1, {"k": 2}),
    ("MoE", [f(2, 3, 8), f(6, 4), f(4, 16, 8), None, f(4, 8, 16)], 1, {"k": 1}),
    ("QMoE", [f(6, 64), f(6, 4), u8(4, 32, 32), f(4, 32), None, u8(4, 64, 16), f(4, 64)], 1,
     {"k": 2, "expert_weight_bits": 4}),
    ("CausalConvWithState", [f(2, 6, 10), f(6, 1, 4), f(6)], 2, {}),
    ("CausalConvWithState", [f(2, 6, 10), f(6, 1, 4), None, f(2, 6, 6)], 2, {"dilation": 2}),
    ("CausalConvWithState", [f(2, 10, 6), f(6, 1, 4)], 2, {"channels_last": 1}),
    ("CausalConvWithState", [f(2, 10, 2, 3), f(6, 1, 4)], 2, {"channels_last": 1}),
    ("LinearAttention", [f(2, 5, 12), f(2, 5, 6), f(2, 5, 12), None, f(2, 5, 2), f(2, 5, 2)], 2,
     {"q_num_heads": 4, "kv_num_heads": 2}),
    ("LinearAttention", [f(2, 5, 12), f(2, 5, 6), f(2, 5, 8)], 2,
     {"q_num_heads": 4, "kv_num_heads": 2, "update_rule": "linear"}),
    ("GatedAdd", [f(2, 3, 5), f(2, 3, 5), f(2, 3, 1)], 1, {}),
    ("QGemm", [u8(2, 3), *Q, u8(3, 4), *Q, i32(4), *Q], 1, {}),
    ("QGemm", [u8(3, 2), *Q, u8(4, 3), *Q], 1, {"transA": 1, "transB": 1}),
    ("QLinearAdd", [u8(2, 1, 4), *Q, u8(3, 1), *Q, *Q], 1, {}),
    ("QLinearMul", [u8(4), *Q, u8(3, 1), *Q, *Q], 1, {}),
    ("QLinearAveragePool", [u8(1, 2, 8, 8), *Q, *Q], 1,
     {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("QLinearAveragePool", [u8(1, 7, 8, 2), *Q, *Q], 1,
     {"kernel_shape": [2, 2], "channels_last": 1, "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("QLinearGlobalAveragePool", [u8(1, 2, 8, 8), *Q, *Q], 1, {}),
    ("QLinearGlobalAveragePool", [u8(1, 8, 8, 2), *Q, *Q], 1, {"channels_last": 1}),
    ("QLinearConv", [u8(1, 8, 6, 4), *Q, u8(5, 4, 3, 3), *Q, *Q], 1, {"channels_last": 1}),
    ("QLinearConv", [u8(1, 9, 6, 4), *Q, u8(6, 2, 3, 1), *Q, *Q, i32(6)], 1,
     {"channels_last": 1, "group": 2, "strides": [2, 1], "pads": [1, 0, 1, 0]}),
    ("QLinearConv", [u8(1, 4, 8, 6), *Q, u8(5, 4, 3, 3), *Q, *Q], 1, {}),
    ("QLinearConcat", [*Q, u8(1, 2, 4), *Q, u8(1, 3, 4), *Q], 1, {"axis": 1}),
    ("QLinearLeakyRelu", [u8(2, 3), *Q, *Q], 1, {}),
    ("QLinearSigmoid", [u8(2, 3), *Q, *Q], 1, {}),
    ("QLinearWhere", [((2, 1), B), u8(2, 3), *Q, u8(3), *Q, *Q], 1, {}),
    ("QuantizeLinear", [f(2, 3), f(), u8()], 1, {}),
    ("DequantizeLinear", [u8(2, 3), f(), u8()], 1, {}),
    ("Gelu", [f(2, 3)], 1, {}),
    ("FastGelu", [f(2, 3), f(3)], 1, {}),
    ("BiasGelu", [f(2, 3), f(3)], 1, {}),
    ("QuickGelu", [f(2, 3)], 1, {}),
    ("SkipLayerNormalization", [f(1, 2, 4), f(1, 2, 4), f(4), f(4), f(4)], 4, {}),
    ("SkipSimplifiedLayerNormalization", [f(1, 2, 4), f(1, 2, 4), f(4)], 4, {}),
    ("EmbedLayerNormalization",
     [i32(1, 3), i32(1, 3), f(5, 4), f(6, 4), f(2, 4), f(4), f(4), i32(1, 3)], 3, {}),
    ("Attention", [f(1, 3, 8), f(8, 24), f(24)], 1, {"num_heads": 2}),
    ("Attention", [f(1, 3, 8), f(8, 20), f(20)], 1,
     {"num_heads": 2, "qkv_hidden_sizes": [8, 8, 4]}),
    ("QAttention", [u8(1, 3, 8), u8(8, 24), f(24), f(), f(), i32(1), u8(), u8()], 1,
     {"num_heads": 2}),
    ("MultiHeadAttention", [f(1, 3, 8), f(1, 5, 8), f(1, 5, 6)], 1, {"num_heads": 2}),
    ("MultiHeadAttention", [f(1, 3, 8), f(1, 5, 8), f(1, 5, 6)], 3, {"num_heads": 2}),
    ("MultiHeadAttention", [f(1, 3, 8), f(1, 2, 5, 4), f(1, 2, 5, 4)], 1, {"num_heads": 2}),
    ("MultiHeadAttention", [f(1, 3, 8)] * 3 + [None] * 3 + [f(1, 2, 4, 4)] * 2, 3,
     {"num_heads": 2}),
    ("Attention", [f(1, 3, 8), f(8, 24), f(24)], 2, {"num_heads": 2}),
    ("Attention", [f(1, 3, 8), f(8, 24), f(24), None, f(2, 1, 2, 5, 4)], 2, {"num_heads": 2}),
    ("RotaryEmbedding", [f(1, 3, 8), ((1, 3), I64), f(4, 4), f(4, 4)], 1, {"num_heads": 1}),
    ("NhwcMaxPool", [u8(1, 8, 8, 2)], 1, {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("Trilu", [f(3, 3)], 1, {}),
    ("GridSample", [f(1, 2, 4, 4), f(1, 3, 5, 2)], 1, {}),
    ("Inverse", [f(1, 1)], 1, {}),
    ("CDist", [f(2, 3), f(4, 3)], 1, {"metric": "euclidean"}),
    ("MurmurHash3", [i32(2, 3)], 1, {}),
    ("DynamicQuantizeLSTM",
     [f(3, 1, 4), i8(1, 4, 20), i8(1, 5, 20), f(1, 40), None, f(1, 1, 5), f(1, 1, 5), None,
      f(1), i8(1), f(1), i8(1)], 3, {"hidden_size": 5}),
]  # fmt: skip

# inputs for operators that cannot run on ones
FED = [
    ("GroupQueryAttention",
     [f(1, 3, 32), f(1, 3, 16), f(1, 3, 16), f(1, 1, 0, 16), f(1, 1, 0, 16), i32(1), i32()],
     {"x5": 2, "x6": 3}, 3, {"num_heads": 2, "kv_num_heads": 1}),
    ("GroupQueryAttention",
     [f(1, 1, 32), f(1, 1, 16), f(1, 1, 16), f(1, 1, 7, 16), f(1, 1, 7, 16), i32(1), i32()],
     {"x5": 7, "x6": 8}, 3, {"num_heads": 2, "kv_num_heads": 1}),
    ("GroupQueryAttention",
     [f(1, 3, 64), None, None, f(1, 1, 0, 16), f(1, 1, 0, 16), i32(1), i32()],
     {"x5": 2, "x6": 3}, 3, {"num_heads": 2, "kv_num_heads": 1}),
]  # fmt: skip


def known(given):
    if given is None:
        return None
    shape, dtype = given
    return Known("x", tensor_type(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape))


def compare(model, feeds, given):
    """Infer the only node of a model and compare with ONNX Runtime's output."""
    inferred = infer(model.graph.node[0], [known(each) for each in given], 1, 9)
    found = [(static_shape(type_), type_.tensor_type.elem_type) for type_ in inferred]
    expected = run(model, feeds)
    assert found == [(y.shape, helper.np_dtype_to_tensor_dtype(y.dtype)) for y in expected]


@pytest.mark.parametrize(("op_type", "given", "outputs", "attributes"), RUN)
def test_shapes_agree_with_onnx_runtime(op_type, given, outputs, attributes):
    model, feeds = one_node(op_type, given, outputs, **attributes)
    compare(model, feeds, given)


@pytest.mark.parametrize(("op_type", "given", "values", "outputs", "attributes"), FED)
def test_shapes_agree_with_onnx_runtime_on_special_inputs(
    op_type, given, values, outputs, attributes
):
    model, feeds = one_node(op_type, given, outputs, **attributes)
    for name, value in values.items():
        feeds[name] = np.full_like(feeds[name], value)
    compare(model, feeds, given)


def inferred(op_type, given, *, domain=MICROSOFT, outputs=1, **attributes):
    names = [f"x{k}" if each else "" for k, each in enumerate(given)]
    results = [f"y{k}" for k in range(outputs)]
    node = helper.make_node(op_type, names, results, domain=domain, **attributes)
    return [static_shape(t) for t in infer(node, [known(each) for each in given], 1, 9)]


# Operators that ONNX Runtime's CPU provider lacks, by their documentation. x is a 4-D
# feature map [1, 8, 6, 10]
X, LAST = f(1, 8, 6, 10), f(1, 6, 10, 8)
BY_HAND = [
    (MICROSOFT, "NhwcConv", [LAST, f(4, 8, 3, 3)], {"strides": [2, 2]}, (1, 2, 4, 4)),
    (MICROSOFT, "NhwcFusedConv", [LAST, f(4, 8, 3, 3)], {"pads": [1] * 4, "activation": "Relu"},
     (1, 6, 10, 4)),
    (MICROSOFT, "GemmFloat8", [f(2, 3), f(4, 3)], {"transB": 1}, (2, 4)),
    (MICROSOFT, "GemmFastGelu", [f(5, 2, 3), f(3, 4)], {}, (5, 2, 4)),
    (MICROSOFT, "FusedMatMulActivation", [f(2, 3), f(3, 4)], {"activation": "Relu"}, (2, 4)),
    (MICROSOFT, "QOrderedMatMul", [i8(2, 3), f(), i8(3, 4), f(), f()], {}, (2, 4)),
    (MICROSOFT, "QLinearConv", [u8(1, 8, 6, 10), *Q, u8(4, 8, 3, 3), *Q, *Q], {}, (1, 4, 4, 8)),
    (MICROSOFT, "MultiHeadAttention", [f(1, 3, 2, 3, 4)], {"num_heads": 2}, (1, 3, 8)),
    (MICROSOFT, "DecoderMaskedMultiHeadAttention", [f(1, 1, 8), f(1, 1, 8), f(1, 1, 8)],
     {"num_heads": 2}, (1, 1, 8)),
    (MICROSOFT, "BiasAdd", [f(1, 4, 8), f(8), f(1, 4, 8)], {}, (1, 4, 8)),
    (MICROSOFT, "GroupNorm", [LAST, f(8), f(8)], {"groups": 2, "activation": 0}, (1, 6, 10, 8)),
    (NCHWC, "Conv", [X, f(16, 8, 3, 3), None, f(1, 16, 4, 8)], {"activation": "Relu"},
     (1, 16, 4, 8)),
    # 20 channels in blocks of 16 are 32, as in the weight
    (NCHWC, "Conv", [f(1, 20, 6, 10), f(32, 32, 3, 3)], {}, (1, 32, 4, 8)),
    (NCHWC, "ReorderInput", [LAST], {"channels_last": 1}, (1, 8, 6, 10)),
    (NCHWC, "ReorderOutput", [X], {"channels": 5}, (1, 5, 6, 10)),
    (NCHWC, "ReorderOutput", [X], {"channels": 5, "channels_last": 1}, (1, 6, 10, 5)),
    (NCHWC, "Upsample", [X], {"scales": [1, 1, 2, 3]}, (1, 8, 12, 30)),
    (NHWC, "Conv", [LAST, f(4, 8, 3, 3)], {"strides": [2, 2]}, (1, 2, 4, 4)),
    (NHWC, "ConvTranspose", [LAST, f(8, 4, 2, 2)], {"strides": [2, 2]}, (1, 12, 20, 4)),
    (NHWC, "QLinearConv", [u8(1, 6, 10, 8), *Q, u8(4, 8, 3, 3), *Q, *Q], {}, (1, 4, 8, 4)),
    (NHWC, "QLinearConvTranspose", [u8(1, 6, 10, 8), *Q, u8(8, 4, 3, 3), *Q, *Q], {},
     (1, 8, 12, 4)),
    (NHWC, "AveragePool", [LAST], {"kernel_shape": [2, 2]}, (1, 5, 9, 8)),
    (NHWC, "GlobalAveragePool", [LAST], {}, (1, 1, 1, 8)),
    (NHWC, "DepthToSpace", [LAST], {"blocksize": 2}, (1, 12, 20, 2)),
    (NHWC, "BatchNormalization", [LAST, f(8), f(8), f(8), f(8)], {}, (1, 6, 10, 8)),
    (NCHWC, "MaxPool", [X], {"kernel_shape": [2, 2], "strides": [2, 2]}, (1, 8, 3, 5)),
    (NCHWC, "GlobalAveragePool", [X], {}, (1, 8, 1, 1)),
    (NCHWC, "ReorderOutput", [X], {"channels": 8}, (1, 8, 6, 10)),
    (MICROSOFT, "MulInteger", [u8(2, 3), u8(), u8(3), u8()], {}, (2, 3)),
    (MICROSOFT, "BiasSplitGelu", [f(1, 4, 8), f(8)], {}, (1, 4, 4)),
    (MICROSOFT, "SwiGLU", [f(1, 4, 8)], {}, (1, 4, 4)),
    (MICROSOFT, "SwiGLU", [f(1, 4, 8), f(1, 4, 8)], {}, (1, 4, 8)),
    (MICROSOFT, "ComplexMul", [f(4, 2), f(3, 1, 2)], {}, (3, 4, 2)),
    (MICROSOFT, "GatedRMSNorm", [f(1, 4, 8), f(8), f(1, 4, 8)], {}, (1, 4, 8)),
    (MICROSOFT, "QLinearReduceMean", [u8(1, 4, 8), *Q, *Q], {"axes": [1], "keepdims": 0}, (1, 8)),
    (MICROSOFT, "ReduceSumInteger", [u8(1, 4, 8)], {"axes": [-1], "keepdims": 1}, (1, 4, 1)),
    (MICROSOFT, "TorchEmbedding", [f(100, 8), ((2, 3), I64)], {}, (2, 3, 8)),
    (MICROSOFT, "UnfoldTensor", [f(2, 10)], {"size": 4, "step": 3}, (2, 3, 4)),
    (MICROSOFT, "MaxpoolWithMask", [X, X], {"kernel_shape": [2, 2]}, (1, 8, 5, 9)),
    (MICROSOFT, "GatherPacked", [u8(100, 36), ((2, 3), I64)], {"K": 64, "packed_type": 2},
     (2, 3, 64)),
    (MICROSOFT, "MatMulPacked", [f(2, 3, 64), u8(10, 36)],
     {"K": 64, "N": 10, "packed_type": 2}, (2, 3, 10)),
    (MICROSOFT, "MatMulBlockQuantizedFp4Weight", [f(2, 3, 64), u8(10, 32), u8(10, 4), f()], {},
     (2, 3, 10)),
    (MICROSOFT, "MatMulBlockQuantizedFp8Weight", [f(2, 3, 64), u8(10, 64), f(10, 1)], {},
     (2, 3, 10)),
    (MICROSOFT, "MatMulNBitsMlp", [f(2, 64), None, None, u8(10, 2, 16), f(20), None,
     u8(10, 2, 16), f(20)], {"K": 64, "N": 10, "block_size": 32}, (2, 10)),
    (MICROSOFT, "MatMulNBitsQLoRA", [f(2, 64)], {"K": 64, "N": 10}, (2, 10)),
    (MICROSOFT, "MoEPacked", [f(2, 3, 64), f(6, 4)], {"k": 2}, (2, 3, 64)),
    (MICROSOFT, "MoEGroupRouter", [f(2, 3, 16), f(16)], {"top_k": 2}, (6, 16)),
    (MICROSOFT, "VarlenCausalConvWithState", [f(20, 6), f(6, 1, 4), i32(3), None, f(2, 6, 3)], {},
     (20, 6)),
    (MICROSOFT, "ConvTransposeWithDynamicPads", [X, f(8, 4, 3, 3)], {"strides": [2, 2]},
     (1, 4, 13, 21)),
    ("", "Crop", [X], {"border": [1, 2, 3, 4]}, (1, 8, 0, 6)),
    ("", "Crop", [X], {"border": [1, 2, 0, 0], "scale": [3, 4]}, (1, 8, 3, 4)),
    ("", "GivenTensorFill", [], {"shape": [2, 3]}, (2, 3)),
    ("", "Affine", [X], {"alpha": 1.0, "beta": 0.0}, (1, 8, 6, 10)),
    ("onnx.brevitas", "Quant", [X, f(), f(), f()], {"signed": 1}, (1, 8, 6, 10)),
    ("qonnx.custom_op.general", "BipolarQuant", [X, f()], {}, (1, 8, 6, 10)),
]  # fmt: skip


@pytest.mark.parametrize(("domain", "op_type", "given", "attributes", "shape"), BY_HAND)
def test_worked_by_hand(domain, op_type, given, attributes, shape):
    assert inferred(op_type, given, domain=domain, **attributes) == [shape]


#: What the CPU provider does not run either, all outputs by the operators' documentation.
SEVERAL = [
    ("CausalConvWithState", [f(2, 6, 10), f(6, 1, 4)], {"state_window": 3},
     [(2, 6, 10), (3, 2, 6, 3)]),
    ("CausalConvWithState", [f(2, 10, 8), f(6, 1, 4)],
     {"channels_last": 1, "input_channels": 6, "input_channel_offset": 1, "state_channels_last": 0,
      "state_update_capacity": 2}, [(2, 10, 6), (2, 6, 3), (2, 2, 6)]),
    ("LinearAttention", [f(2, 5, 6), f(2, 5, 12), f(2, 5, 8), f(4, 2, 4, 3, 2)],
     {"q_num_heads": 2, "kv_num_heads": 4, "update_rule": "linear", "state_window": 4},
     [(2, 5, 8), (4, 2, 4, 3, 2)]),
    ("MatMulNBitsQkv", [f(2, 64)], {"K": 64, "Nq": 10, "Nkv": 5, "block_size": 32},
     [(2, 10), (2, 5), (2, 5), (2, 64)]),
    ("RouterGateUpProj", [f(2, 3, 8), f(8, 20)], {"router_size": 4}, [(2, 3, 4), (2, 3, 8)]),
    ("DecoderMaskedMultiHeadAttention",
     [f(2, 1, 8), f(2, 1, 8), f(2, 1, 6), None, None, f(2, 2, 5, 4), f(2, 2, 5, 3)],
     {"num_heads": 2}, [(2, 1, 6), (2, 2, 6, 4), (2, 2, 6, 3)]),
    ("DecoderMaskedMultiHeadAttention",
     [f(2, 1, 8), f(2, 1, 8), f(2, 1, 8), None, None, f(2, 2, 9, 4), f(2, 2, 9, 4), i32(1)],
     {"num_heads": 2, "past_present_share_buffer": 1}, [(2, 1, 8), (2, 2, 9, 4), (2, 2, 9, 4)]),
    ("DecoderMaskedMultiHeadAttention", [f(2, 1, 8), f(2, 2, 5, 4), f(2, 2, 5, 3)],
     {"num_heads": 2}, [(2, 1, 6)]),
]  # fmt: skip


@pytest.mark.parametrize(("op_type", "given", "attributes", "expected"), SEVERAL)
def test_every_output_by_hand(op_type, given, attributes, expected):
    assert inferred(op_type, given, outputs=len(expected), **attributes) == expected


def test_sizes_from_the_content_of_inputs():
    def shape(op_type, first, *content):
        names = [f"x{k}" for k in range(1 + len(content))]
        node = helper.make_node(op_type, names, ["y"], domain=MICROSOFT)
        rest = [from_array("", np.array(each)) for each in content]
        return static_shape(infer(node, [known(first), *rest], 1, 9)[0])

    assert shape("MatMulFpQ4", f(2, 3, 64), [1, 2, 3], [64, 10]) == (2, 3, 10)
    assert shape("ExpandDims", f(2, 3), 1) == (2, 1, 3)
    assert shape("RelativePositionBias", f(32, 8), 5, 7) == (1, 8, 5, 7)


@pytest.mark.parametrize("operator", [key for key in OPERATORS if "onnx" not in key[0]])
def test_counted_operators_have_a_shape(operator):
    domain, op_type = operator
    assert operator in RULES or schema_of(op_type, 28, domain)


def test_a_shared_cache_keeps_its_length():
    past = f(2, 1, 2, 5, 4)
    shapes = inferred(
        "Attention", [f(1, 3, 8), f(8, 24), f(24), None, past], outputs=2, num_heads=2,
        past_present_share_buffer=1,
    )  # fmt: skip
    assert shapes == [(1, 3, 8), (2, 1, 2, 5, 4)]


FIXED = {("", "GivenTensorFill"), (MICROSOFT, "IsAllFinite")}


@pytest.mark.parametrize(("domain", "op_type"), sorted(RULES.keys() - FIXED))
@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("unknown", [None, Known("x", tensor_type(1, None))])
def test_nothing_known_in_nothing_known_out(domain, op_type, count, unknown):
    """Rules cope with missing facts and never invent a shape."""
    node = NodeProto(op_type=op_type, domain=domain, input=["x"] * count, output=["y"])
    try:
        (type_,) = infer(node, [unknown] * count, 1, 9)
    except (InferenceError, ValidationError):
        return  # the standard relative misses an attribute
    assert static_shape(type_) is None


def test_the_mask_of_an_old_dropout():
    assert inferred("Dropout", [f(2, 3)], domain="", outputs=2) == [(2, 3), (2, 3)]
