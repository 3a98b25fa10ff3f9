"""The rule of each operator's gradient."""

from __future__ import annotations

from collections.abc import Mapping

from sepcost.separable.runs.backward import elements, layers, shapes
from sepcost.separable.runs.backward.tape import Rule

RULES: Mapping[str, Rule] = {
    "Conv": layers.convolved,
    "ConvTranspose": layers.convolved,
    "Gemm": layers.gemm,
    "MatMul": layers.matmul,
    "BatchNormalization": layers.batch_normalization,
    "InstanceNormalization": layers.instance_normalization,
    "MaxPool": layers.max_pool,
    "AveragePool": layers.average_pool,
    "Add": elements.summed,
    "Sum": elements.summed,
    "Sub": elements.difference,
    "Mul": elements.product,
    "Div": elements.quotient,
    "Transpose": shapes.transposed,
    "Concat": shapes.parted,
    "Split": shapes.joined,
    "Pad": shapes.cropped,
    "DepthToSpace": shapes.space,
    "SpaceToDepth": shapes.space,
    **dict.fromkeys(("GlobalAveragePool", "ReduceMean", "ReduceSum"), layers.spread),
    **dict.fromkeys(("Resize", "Upsample"), shapes.gathered),
    **dict.fromkeys(("Softmax", "LogSoftmax"), elements.softmax),
    **dict.fromkeys(("Relu", "Clip", "GlobalMaxPool"), elements.kept_where_equal),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), shapes.reshaped),
    **dict.fromkeys(
        ("Identity", "Dropout", "Cast", "QuantizeLinear", "DequantizeLinear"), elements.copied
    ),
    **dict.fromkeys(
        (
            "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Sigmoid", "Tanh",
            "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Mish", "Erf", "Exp", "Log",
            "Sqrt", "Abs", "Neg", "Reciprocal", "Pow", "Sin", "Cos",
        ),
        elements.by_difference,
    ),
}  # fmt: skip
