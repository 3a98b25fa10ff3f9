"""Operators that cost no MACs by definition, and those whose cost has no agreed formula.

Free are the operators that move, pick, compare, threshold, map element by element, pool,
normalise, resample, reduce, quantise or draw; and those that only hold others (If, Loop, Scan),
whose bodies have rows of their own. What such an operator does is in ``elementwise_ops``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Key = tuple[str, str]

_FREE: Mapping[str, str] = {
    "": """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization
    Bernoulli BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast
    CastLike Ceil Celu CenterCropPad Clip Col2Im Compress Concat ConcatFromSequence Constant
    ConstantOfShape Cos Cosh CumProd CumSum DepthToSpace DequantizeLinear Div Dropout
    DynamicQuantizeLinear Elu Equal Erf Exp Expand EyeLike Flatten Floor Gather GatherElements
    GatherND Gelu GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample
    GroupNormalization HammingWindow HannWindow HardSigmoid HardSwish Hardmax Identity If
    InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Less LessOrEqual Log
    LogSoftmax Loop LpNormalization LpPool Max MaxPool MaxRoiPool MaxUnpool Mean
    MeanVarianceNormalization MelWeightMatrix MemcpyFromHost MemcpyToHost Min Mish
    Mod Mul Multinomial Neg NegativeLogLikelihoodLoss NonMaxSuppression NonZero Not OneHot
    Optional OptionalGetElement OptionalHasElement Or PRelu Pad Pow QuantizeLinear RMSNormalization
    RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare RegexFullMatch Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding
    Round Scan Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty
    SequenceErase SequenceInsert SequenceLength SequenceMap Shape Shrink Sigmoid Sign Sin Sinh
    Size Slice Softmax SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth Split
    SplitToSequence Sqrt Squeeze StringConcat StringNormalizer StringSplit Sub Sum SwiGLU Swish
    Tan Tanh TensorScatter TfIdfVectorizer ThresholdedRelu Tile TopK Transpose Trilu Unique
    Unsqueeze Upsample Where Xor
    Affine Crop DynamicSlice GivenTensorFill ImageScaler ParametricSoftplus Scale ScaledTanh
    SimplifiedLayerNormalization
    """,
    "ai.onnx.ml": """
    ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer
    Imputer LabelEncoder Normalizer OneHotEncoder Scaler ZipMap
    """,
    "ai.onnx.preview.training": "Adagrad Adam Momentum",
    "com.microsoft": """
    BiasAdd BiasDropout BiasGelu BiasSoftmax BiasSplitGelu BifurcationDetector
    BitmaskBiasDropout BitmaskDropout BranchwiseRMSNorm ComplexMul ComplexMulConj ConvStateReplay
    CropAndResize DequantizeBFP DequantizeLinear DequantizeWithOrder EmbedLayerNormalization
    ExpandDims FastGelu GatedRMSNorm GatherBlockQuantized GatherND GatherPacked Gelu
    GemmaRotaryEmbedding GridSample GroupNorm IsAllFinite LinearAttentionGate MRotaryEmbedding
    MaxpoolWithMask MulInteger MurmurHash3 NGramHashMapping NGramRepeatBlock NhwcMaxPool Pad
    QEmbedLayerNormalization QLinearAdd QLinearAveragePool QLinearConcat QLinearGlobalAveragePool
    QLinearLeakyRelu QLinearMul QLinearReduceMean QLinearSigmoid QLinearSoftmax QLinearWhere
    QOrderedGelu QOrderedLayerNormalization QuantizeBFP QuantizeLinear QuantizeWithOrder
    QuickGelu RMSNormRotary Range ReduceSumInteger RelativePositionBias RemovePadding
    RestorePadding RotaryEmbedding SampleOp ScaledSiLU SkipGroupNorm SkipLayerNormalization
    SkipSimplifiedLayerNormalization SpeculativePrefixCommit SwiGLU Tokenizer TorchEmbedding
    Trilu UnfoldTensor Unique VarlenNGramHashMapping
    """,
    "onnx.brevitas": "BipolarQuant IntQuant Quant Trunc",
    "qonnx.custom_op.general": "BipolarQuant IntQuant Quant Trunc",
    "com.microsoft.nchwc": """
    AveragePool GlobalAveragePool GlobalMaxPool MaxPool ReorderInput ReorderOutput Upsample
    """,
    "com.ms.internal.nhwc": """
    AveragePool BatchNormalization DepthToSpace GlobalAveragePool GlobalLpPool GlobalMaxPool
    GridSample InstanceNormalization LRN LpPool MaxPool MaxUnpool QLinearAveragePool Resize
    SpaceToDepth
    """,
}

#: Operators that cost no MACs.
FREE: Final[frozenset[Key]] = frozenset(
    (domain, op_type) for domain, names in _FREE.items() for op_type in names.split()
)

_ALGORITHM = "its cost depends on the algorithm that a runtime takes"
_DATA = "its cost depends on data"
_TRAINED = "its cost depends on the trees or vectors in its attributes"
_PACKED = "its cost depends on which tokens are packed or kept"
_WHOLE = "it runs a whole model"

_NO_FORMULA: Mapping[str, Mapping[str, str]] = {
    "": {_ALGORITHM: "DFT Det ImageDecoder STFT"},
    "ai.onnx.ml": {
        _TRAINED: "SVMClassifier SVMRegressor TreeEnsemble TreeEnsembleClassifier "
        "TreeEnsembleRegressor"
    },
    "ai.onnx.preview.training": {"it differentiates a whole graph": "Gradient"},
    "com.microsoft": {
        _ALGORITHM: "CDist Inverse Irfft Rfft",
        _DATA: "DecoderAttention DynamicTimeWarping SparseToDenseMatMul",
        _PACKED: "DynamicSparseAttention LongformerAttention "
        "PackedAttention PackedMultiHeadAttention PackedSparseAttentionIndexer "
        "PackedSparseAttentionIndexerMerge PagedAttention QOrderedLongformerAttention "
        "SparseAttention SparseAttentionIndexer SparsePagedAttention",
        _WHOLE: "BeamSearch EPContext GreedySearch Sampling Snpe WhisperBeamSearch",
        "it has no formula yet": "AttnLSTM EngramGate GatedDeltaNet GatedDeltaNetStateReplay "
        "GatedRelativePositionBias HyperConnectionLowRankMix HyperConnectionPostMix "
        "HyperConnectionPreMix Mamba2Verify QOrderedAttention WordConvEmbedding",
    },
}

#: Known operators that are not counted, and why.
NO_FORMULA: Final[Mapping[Key, str]] = {
    (domain, op_type): reason
    for domain, reasons in _NO_FORMULA.items()
    for reason, names in reasons.items()
    for op_type in names.split()
}
