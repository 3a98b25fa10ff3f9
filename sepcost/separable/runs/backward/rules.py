"""The rule of each operator's gradient."""

from __future__ import annotations

from collections.abc import Mapping

from sepcost.separable.runs.backward import (
    elements,
    gru,
    layers,
    lstm,
    moves,
    reductions,
    resize,
    shapes,
)
from sepcost.separable.runs.backward.tape import QUANTISERS, Rule

RULES: Mapping[str, Rule] = {
    "Conv": layers.convolved,
    "ConvTranspose": layers.convolved,
    "Gemm": layers.gemm,
    "MatMul": layers.matmul,
    "Einsum": layers.einsum,
    "BatchNormalization": layers.batch_normalization,
    "InstanceNormalization": layers.instance_normalization,
    "MaxPool": layers.max_pool,
    "AveragePool": layers.average_pool,
    "Relu": elements.rectified,
    "Add": elements.summed,
    "Sum": elements.summed,
    "Sub": elements.difference,
    "Mul": elements.product,
    "Div": elements.quotient,
    "Transpose": shapes.transposed,
    "Concat": shapes.parted,
    "Split": shapes.joined,
    "Pad": moves.padded,
    "ScatterND": moves.scattered,
    "Where": moves.chosen,
    "Affine": elements.affine,
    "Crop": moves.cropped,
    "LayerNormalization": reductions.layer_normalization,
    "LSTM": lstm.lstm,
    "GRU": gru.gru,
    "LRN": reductions.local_response,
    "ReduceSum": reductions.summed_up,
    "ReduceL2": reductions.length,
    "ReduceSumSquare": reductions.squared_length,
    **dict.fromkeys(("GlobalAveragePool", "ReduceMean"), reductions.averaged),
    **dict.fromkeys(("ReduceMax", "ReduceMin"), reductions.largest),
    **dict.fromkeys(
        ("Slice", "Gather", "GatherElements", "GatherND", "Expand", "Tile", "Trilu"), moves.moved
    ),
    **dict.fromkeys(("Max", "Min"), elements.extreme),
    **dict.fromkeys(("Floor", "Ceil", "Round", "Sign"), elements.flat),
    "DepthToSpace": shapes.space,
    "SpaceToDepth": shapes.space,
    **dict.fromkeys(("Resize", "Upsample"), resize.resized),
    **dict.fromkeys(("Softmax", "LogSoftmax"), elements.softmax),
    **dict.fromkeys(("Clip", "GlobalMaxPool"), elements.kept_where_equal),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), shapes.reshaped),
    **dict.fromkeys(
        ("Identity", "Dropout", "Cast", "QuantizeLinear", "DequantizeLinear", *QUANTISERS),
        elements.copied,
    ),
    **dict.fromkeys(
        (
            "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Sigmoid", "Tanh",
            "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Mish", "Erf", "Exp", "Log",
            "Sqrt", "Abs", "Neg", "Reciprocal", "Pow", "Sin", "Cos",
            "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Gelu",
        ),
        elements.by_difference,
    ),
}  # fmt: skip
