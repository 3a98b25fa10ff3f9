"""The cost of each operator: one table, which lists every operator once.

Operators that convolve with a weight are listed in ``CONVOLUTIONS`` of ``cost.geometry`` instead,
and get their rows from there. Operators without MACs move, pick, compare, threshold, map element by
element, pool, normalise, resample, reduce, quantise or draw random numbers; or they hold subgraphs
(If, Loop, Scan), whose layers are counted themselves. An operator in neither table is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sepcost.cost import attention, experts, macs, matrix
from sepcost.cost import elementwise as ops
from sepcost.cost.elementwise import nothing, per_input, per_output
from sepcost.cost.geometry import CONVOLUTIONS, given, key
from sepcost.cost.rows import Key, MacFormula, Row, table
from sepcost.network import Layer

_ALGORITHM = "its cost depends on the runtime's algorithm"
_DATA = "its cost depends on data"
_TRAINED = "its cost depends on the trees or vectors in its attributes"
_PACKED = "its cost depends on which tokens are packed or kept"
_WHOLE = "it runs a whole model"

_ONNX = table(
    "",
    # MACs
    (Row(attention.attention, ops.attention), "Attention"),
    (Row(attention.linear_attention), "LinearAttention"),
    (Row(macs.affine_grid), "AffineGrid"),
    (Row(macs.conv), "CausalConvWithState"),
    (Row(macs.einsum_macs, ops.einsum), "Einsum"),
    (Row(macs.recurrent, ops.recurrent(8, 3)), "GRU"),
    (Row(macs.recurrent, ops.recurrent(9, 4)), "LSTM"),
    (Row(macs.recurrent, ops.recurrent(1, 1)), "RNN"),
    (Row(matrix.gemm, ops.product, bias=2), "Gemm"),
    (Row(matrix.matmul, nothing), "MatMul MatMulInteger"),
    (Row(matrix.matmul, ops.requantized), "QLinearMatMul"),
    # no MACs
    (Row(None, per_output(1)), """
    Abs Acos Acosh Add And Asin Asinh Atan Atanh Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr
    BitwiseXor Ceil Celu Cos Cosh CumProd CumSum Div Elu Equal Erf Exp Floor Gelu Greater
    GreaterOrEqual HardSigmoid HardSwish IsInf IsNaN LeakyRelu Less LessOrEqual Log Mish Mod Mul Neg
    Not Or PRelu ParametricSoftplus Pow RandomNormal RandomUniform Range Reciprocal Relu Round Selu
    Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Swish Tan Tanh ThresholdedRelu Where Xor
    """),
    (Row(None, per_output(2)), """
    Affine BatchNormalization DequantizeLinear ImageScaler QuantizeLinear ScaledTanh SwiGLU
    """),
    (Row(None, per_output(3)), "LpNormalization RotaryEmbedding"),
    (Row(None, per_output(4)), """
    DynamicQuantizeLinear RMSNormalization SimplifiedLayerNormalization
    """),
    (Row(None, per_output(5)), "Hardmax LogSoftmax MeanVarianceNormalization Softmax"),
    (Row(None, per_output(7)), "GroupNormalization InstanceNormalization LayerNormalization"),
    (Row(None, per_input(1)), """
    ArgMax ArgMin Col2Im GlobalAveragePool GlobalMaxPool NonZero ReduceLogSum ReduceMax ReduceMean
    ReduceMin ReduceProd ReduceSum TopK Unique
    """),
    (Row(None, per_input(2)), "GlobalLpPool ReduceL1 ReduceL2 ReduceLogSumExp ReduceSumSquare"),
    (Row(None, per_input(6)), "SoftmaxCrossEntropyLoss"),
    (Row(None, ops.clip), "Clip"),
    (Row(None, ops.grid_sample), "GridSample"),
    (Row(None, ops.local_response), "LRN"),
    (Row(None, ops.mean), "Mean"),
    (Row(None, ops.pool), "AveragePool LpPool MaxPool"),
    (Row(None, ops.resize), "Resize Upsample"),
    (Row(None, ops.roi_align), "RoiAlign"),
    (Row(None, ops.variadic), "Max Min Sum"),
    (Row(None, nothing), """
    Cast CastLike CenterCropPad Concat ConcatFromSequence ConstantOfShape Crop DepthToSpace
    DynamicSlice Expand GivenTensorFill MaxUnpool NegativeLogLikelihoodLoss OneHot Pad
    ReverseSequence Scatter ScatterElements ScatterND SequenceAt SequenceConstruct SequenceEmpty
    SequenceErase SequenceInsert SequenceLength SpaceToDepth Split SplitToSequence TensorScatter
    Tile Transpose Trilu
    """),
    (Row(None, nothing, traffic="view"), """
    BitCast Dropout Flatten Identity MemcpyFromHost MemcpyToHost Optional OptionalGetElement Reshape
    Squeeze Unsqueeze
    """),
    (Row(None, nothing, traffic="picks"), "Compress Gather GatherElements GatherND Slice"),
    (Row(None, nothing, traffic="shape"), "EyeLike OptionalHasElement Shape Size"),
    (Row(None, nothing, traffic="none"), "Constant If Loop Scan SequenceMap"),
    (Row(None, per_output(1), traffic="shape"), "RandomNormalLike RandomUniformLike"),
    (Row(), """
    BlackmanWindow HammingWindow HannWindow MaxRoiPool MelWeightMatrix Multinomial NonMaxSuppression
    RegexFullMatch Scale StringConcat StringNormalizer StringSplit TfIdfVectorizer
    """),
    (Row(uncounted=_ALGORITHM), "DFT Det ImageDecoder STFT"),
)  # fmt: skip

_ML = table(
    "ai.onnx.ml",
    (Row(macs.linear_model), "LinearClassifier LinearRegressor"),
    (Row(None, per_output(1)), "Binarizer Imputer"),
    (Row(None, per_output(2)), "Scaler"),
    (Row(None, per_output(3)), "Normalizer"),
    (Row(None, nothing, traffic="picks"), "ArrayFeatureExtractor"),
    (Row(None, nothing), """
    CastMap CategoryMapper DictVectorizer FeatureVectorizer LabelEncoder OneHotEncoder ZipMap
    """),
    (Row(uncounted=_TRAINED), """
    SVMClassifier SVMRegressor TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor
    """),
)  # fmt: skip

#: The contrib operators of ONNX Runtime.
_MICROSOFT = table(
    "com.microsoft",
    # MACs
    (Row(attention.decoder_masked_multi_head,
         ops.projected_attention(attention.decoder_keys, added=(3, 4), bias=10)),
     "DecoderMaskedMultiHeadAttention"),
    (Row(attention.grouped_query,
         ops.projected_attention(attention.grouped_query_keys, added=(10,))),
     "GroupQueryAttention"),
    (Row(attention.linear_attention), "LinearAttention"),
    (Row(attention.multi_head,
         ops.projected_attention(attention.multi_head_keys, added=(4, 5), bias=3)),
     "MultiHeadAttention"),
    (Row(attention.projected,
         ops.projected_attention(attention.projected_keys, added=(3, 5), bias=2)),
     "Attention DecoderMaskedSelfAttention"),
    (Row(attention.projected, ops.projected_attention(attention.projected_keys, (5,), bias=2)),
     "QAttention"),
    (Row(experts.experts), "MoE"),
    (Row(experts.gated_add), "GatedAdd"),
    (Row(experts.group_router), "MoEGroupRouter"),
    (Row(experts.packed_experts), "MoEPacked"),
    (Row(experts.quantized_experts), "QMoE"),
    (Row(experts.router_gate_up), "RouterGateUpProj"),
    (Row(macs.conv), "CausalConvWithState VarlenCausalConvWithState"),
    (Row(macs.recurrent, ops.quantized_lstm), "DynamicQuantizeLSTM"),
    (Row(matrix.fused_matmul, ops.product), "FusedMatMul FusedMatMulActivation TransposeMatMul"),
    (Row(matrix.gated_mlp), "MatMulNBitsMlp"),
    (Row(matrix.gemm, bias=2), "GemmFloat8"),
    (Row(matrix.gemm, ops.product, bias=2), "FusedGemm"),
    (Row(matrix.gemm, ops.requantized, bias=6), "QGemm"),
    (Row(matrix.low_rank_adapted), "MatMulNBitsQLoRA"),
    (Row(matrix.matmul, bias=4), "MatMulBlockQuantizedFp8Weight"),
    (Row(matrix.matmul, bias=5), "MatMulBlockQuantizedFp4Weight QOrderedMatMul"),
    (Row(matrix.matmul, nothing), "MatMulBnb4 MatMulFpQ4 MatMulInteger16 MatMulPacked"),
    (Row(matrix.matmul, per_output(1), bias=2), "GemmFastGelu"),
    (Row(matrix.matmul, ops.requantized, bias=4), "DynamicQuantizeMatMul"),
    (Row(matrix.matmul, ops.requantized, bias=6), "MatMulIntegerToFloat"),
    (Row(matrix.packed_matmul, nothing, bias=5), "MatMulNBits"),
    (Row(matrix.query_key_value), "MatMulNBitsQkv"),
    # no MACs
    (Row(None, per_output(1)), "BiasAdd Gelu QuickGelu Range"),
    (Row(None, per_output(2)), """
    BiasGelu DequantizeLinear MulInteger QuantizeLinear ScaledSiLU SwiGLU
    """),
    (Row(None, per_output(3)), """
    BiasSplitGelu GemmaRotaryEmbedding QLinearAdd QLinearLeakyRelu QLinearMul QLinearSigmoid
    RotaryEmbedding
    """),
    (Row(None, per_output(6)), "BiasSoftmax ComplexMul ComplexMulConj"),
    (Row(None, per_output(7)), "GroupNorm QLinearSoftmax"),
    (Row(None, per_output(9)), "EmbedLayerNormalization"),
    (Row(None, per_input(1)), "QLinearGlobalAveragePool QLinearReduceMean ReduceSumInteger"),
    (Row(None, ops.fast_gelu), "FastGelu"),
    (Row(None, ops.grid_sample), "GridSample"),
    (Row(None, ops.skip_normalization(4, bias=3)), "SkipSimplifiedLayerNormalization"),
    (Row(None, ops.skip_normalization(7, bias=4)), "SkipLayerNormalization"),
    (Row(None, ops.pool), "NhwcMaxPool QLinearAveragePool"),
    (Row(None, nothing), """
    GatherPacked Pad QLinearConcat QLinearWhere RemovePadding RestorePadding TorchEmbedding Trilu
    UnfoldTensor
    """),
    (Row(None, nothing, traffic="view"), "ExpandDims"),
    (Row(None, nothing, traffic="picks"), "GatherND"),
    (Row(), """
    BiasDropout BifurcationDetector BitmaskBiasDropout BitmaskDropout BranchwiseRMSNorm
    ConvStateReplay CropAndResize DequantizeBFP DequantizeWithOrder GatedRMSNorm
    GatherBlockQuantized IsAllFinite LinearAttentionGate MRotaryEmbedding MaxpoolWithMask
    MurmurHash3 NGramHashMapping NGramRepeatBlock QEmbedLayerNormalization QOrderedGelu
    QOrderedLayerNormalization QuantizeBFP QuantizeWithOrder RMSNormRotary RelativePositionBias
    SampleOp SkipGroupNorm SpeculativePrefixCommit Tokenizer Unique VarlenNGramHashMapping
    """),
    (Row(uncounted=_ALGORITHM), "CDist Inverse Irfft Rfft"),
    (Row(uncounted=_DATA), "DecoderAttention DynamicTimeWarping SparseToDenseMatMul"),
    (Row(uncounted=_PACKED), """
    DynamicSparseAttention LongformerAttention PackedAttention PackedMultiHeadAttention
    PackedSparseAttentionIndexer PackedSparseAttentionIndexerMerge PagedAttention
    QOrderedLongformerAttention SparseAttention SparseAttentionIndexer SparsePagedAttention
    """),
    (Row(uncounted=_WHOLE), "BeamSearch EPContext GreedySearch Sampling Snpe WhisperBeamSearch"),
    (Row(uncounted="it has no formula yet"), """
    AttnLSTM EngramGate GatedDeltaNet GatedDeltaNetStateReplay GatedRelativePositionBias
    HyperConnectionLowRankMix HyperConnectionPostMix HyperConnectionPreMix Mamba2Verify
    QOrderedAttention WordConvEmbedding
    """),
)  # fmt: skip

_OTHERS = {
    **table("ai.onnx.preview", (Row(attention.attention), "FlexAttention")),
    **table(
        "ai.onnx.preview.training",
        (Row(), "Adagrad Adam Momentum"),
        (Row(uncounted="it differentiates a whole graph"), "Gradient"),
    ),
    **table("onnx.brevitas", (Row(), "BipolarQuant IntQuant Quant Trunc")),
    **table("qonnx.custom_op.general", (Row(), "BipolarQuant IntQuant Quant Trunc")),
    # ONNX Runtime's, in optimised models
    **table(
        "com.microsoft.nchwc",
        (Row(None, per_input(1)), "GlobalAveragePool GlobalMaxPool"),
        (Row(None, ops.pool), "AveragePool MaxPool"),
        (Row(None, nothing), "ReorderInput ReorderOutput"),
        (Row(), "Upsample"),
    ),
    **table(
        "com.ms.internal.nhwc",
        (Row(None, nothing), "DepthToSpace MaxUnpool SpaceToDepth"),
        (Row(), """
        AveragePool BatchNormalization GlobalAveragePool GlobalLpPool GlobalMaxPool GridSample
        InstanceNormalization LRN LpPool MaxPool QLinearAveragePool Resize
        """),
    ),
}  # fmt: skip

_CONVOLUTIONS = {
    name: Row(macs.conv_transpose if where.transposed else macs.conv, ops.convolution, where.bias)
    for name, where in CONVOLUTIONS.items()
}

#: Row of every known operator.
ROWS: Final[Mapping[Key, Row]] = {**_CONVOLUTIONS, **_ONNX, **_ML, **_MICROSOFT, **_OTHERS}

#: MAC formulas: what ``analyze(..., operators=OPERATORS | {...})`` extends.
OPERATORS: Final[Mapping[Key, MacFormula]] = {
    name: row.macs for name, row in ROWS.items() if row.macs
}

#: Operators that cost no MACs by definition.
FREE: Final[frozenset[Key]] = frozenset(
    name for name, row in ROWS.items() if not (row.macs or row.uncounted)
)

#: Known operators that are not counted, and why.
NO_FORMULA: Final[Mapping[Key, str]] = {
    name: row.uncounted for name, row in ROWS.items() if row.uncounted
}


_UNKNOWN = Row()


def row_of(layer: Layer) -> Row:
    """Return the row of a layer's operator; an empty one if it is not known."""
    return ROWS.get(key(layer), _UNKNOWN)


def elementwise_ops(layer: Layer) -> int | None:
    """Count the element operations of one run of a layer; None if they are not known."""
    elements = row_of(layer).elements
    count = elements(layer) if elements else None
    return None if count is None else count + bias_ops(layer)


def bias_ops(layer: Layer) -> int:
    """Return one addition per output element if the layer has a bias, else 0."""
    return ops.outputs(layer) if given(layer.inputs, row_of(layer).bias) else 0
