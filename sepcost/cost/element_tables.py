"""Operators whose element operations are a fixed number for each element.

The conventions stand in ``cost.elementwise``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sepcost.cost.no_macs import Key

_MS = "com.microsoft"


def _table(counts: Mapping[int, str], domain: str = "") -> dict[Key, int]:
    return {(domain, name): count for count, names in counts.items() for name in names.split()}


#: Operations for each element of the first output.
OUTPUT: Final[Mapping[Key, int]] = {
    **_table(
        {
            1: """
            Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr
            BitwiseXor Ceil Celu Cos Cosh CumProd CumSum Div Elu Equal Erf Exp Floor Gelu Greater
            GreaterOrEqual Bernoulli RandomNormal RandomNormalLike RandomUniform RandomUniformLike
            Range HardSigmoid HardSwish IsInf IsNaN LeakyRelu Less LessOrEqual Log Mish
            Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh
            Softplus Softsign Sqrt Sub Swish Tan Tanh ThresholdedRelu Where Xor ParametricSoftplus
            """,
            2: """
            Affine BatchNormalization DequantizeLinear ImageScaler QuantizeLinear ScaledTanh SwiGLU
            """,
            3: "LpNormalization RotaryEmbedding",
            4: "DynamicQuantizeLinear RMSNormalization SimplifiedLayerNormalization",
            5: "Hardmax LogSoftmax MeanVarianceNormalization Softmax",
            7: "GroupNormalization InstanceNormalization LayerNormalization",
        }
    ),
    **_table({1: "Binarizer Imputer", 2: "Scaler", 3: "Normalizer"}, "ai.onnx.ml"),
    **_table(
        {
            1: "BiasAdd Gelu QuickGelu Range",
            2: "BiasGelu DequantizeLinear MulInteger QuantizeLinear ScaledSiLU SwiGLU",
            3: "BiasSplitGelu GemmaRotaryEmbedding RotaryEmbedding QLinearAdd QLinearLeakyRelu "
            "QLinearMul QLinearSigmoid",
            6: "BiasSoftmax ComplexMul ComplexMulConj",
            7: "GroupNorm QLinearSoftmax",
            9: "EmbedLayerNormalization",
        },
        _MS,
    ),
}

#: Operations for each element of the first input.
INPUT: Final[Mapping[Key, int]] = {
    **_table(
        {
            1: """
            ArgMax ArgMin Col2Im GlobalAveragePool GlobalMaxPool NonZero ReduceMax ReduceMean
            ReduceMin ReduceProd ReduceSum ReduceLogSum TopK Unique
            """,
            2: "GlobalLpPool ReduceL1 ReduceL2 ReduceLogSumExp ReduceSumSquare",
            6: "SoftmaxCrossEntropyLoss",
        }
    ),
    **_table({1: "QLinearGlobalAveragePool QLinearReduceMean ReduceSumInteger"}, _MS),
    **_table({1: "GlobalAveragePool GlobalMaxPool"}, "com.microsoft.nchwc"),
}

#: Where matrix products keep a bias.
BIAS: Final[Mapping[Key, int]] = {
    ("", "Gemm"): 2,
    (_MS, "DynamicQuantizeMatMul"): 4,
    (_MS, "FusedGemm"): 2,
    (_MS, "GemmFastGelu"): 2,
    (_MS, "GemmFloat8"): 2,
    (_MS, "MatMulBlockQuantizedFp4Weight"): 5,
    (_MS, "MatMulBlockQuantizedFp8Weight"): 4,
    (_MS, "MatMulIntegerToFloat"): 6,
    (_MS, "MatMulNBits"): 5,
    (_MS, "QGemm"): 6,
    (_MS, "QOrderedMatMul"): 5,
}


_MOVERS: Mapping[str, str] = {
    "": """
    BitCast Cast CastLike CenterCropPad Compress Concat ConcatFromSequence Constant
    ConstantOfShape DepthToSpace Dropout Expand EyeLike Flatten Gather GatherElements GatherND
    Identity If Loop MaxUnpool MemcpyFromHost MemcpyToHost NegativeLogLikelihoodLoss OneHot
    Optional OptionalGetElement OptionalHasElement Pad Reshape ReverseSequence Scan Scatter
    ScatterElements ScatterND SequenceAt SequenceConstruct SequenceEmpty SequenceErase
    SequenceInsert SequenceLength SequenceMap Shape Size Slice SpaceToDepth Split SplitToSequence
    Squeeze TensorScatter Tile Transpose Trilu Unsqueeze
    Crop DynamicSlice GivenTensorFill MatMul MatMulInteger
    """,
    "ai.onnx.ml": """
    ArrayFeatureExtractor CastMap CategoryMapper DictVectorizer FeatureVectorizer LabelEncoder
    OneHotEncoder ZipMap
    """,
    "com.microsoft": """
    ExpandDims GatherND GatherPacked MatMulBnb4 MatMulFpQ4 MatMulInteger16 MatMulPacked Pad
    QLinearConcat QLinearWhere RemovePadding RestorePadding TorchEmbedding Trilu UnfoldTensor
    """,
    "com.microsoft.nchwc": "ReorderInput ReorderOutput",
    "com.ms.internal.nhwc": "DepthToSpace MaxUnpool SpaceToDepth",
}

#: Operators that only move and pick, and products that do nothing but MACs.
MOVERS: Final[frozenset[Key]] = frozenset(
    (domain, name) for domain, names in _MOVERS.items() for name in names.split()
)
