"""Which constants are parameters, and which only control an operator."""

from __future__ import annotations

from collections.abc import Mapping

from sepcost.model.values import Known

#: op_type -> inputs that control the operator (shapes, axes, pads, bounds, scales and zero points
#: of quantisation, initial states) and so are not parameters. Domains are ignored: contrib
#: operators have the inputs of their standard namesakes.
CONTROLS: Mapping[str, frozenset[int]] = {
    name: frozenset(positions)
    for name, positions in {
        "AffineGrid": (1,), "BatchNormalization": (), "CenterCropPad": (1,), "Clip": (1, 2),
        "Compress": (1,), "ConstantOfShape": (0,), "ConvInteger": (2, 3), "CumSum": (1,),
        "DequantizeLinear": (1, 2), "Dropout": (1, 2), "DynamicQuantizeMatMul": (2, 3),
        "Expand": (1,), "EyeLike": (0,), "Gather": (1,), "GatherElements": (1,), "GatherND": (1,),
        "GRU": (4, 5), "If": (0,), "Loop": (0, 1), "LSTM": (4, 5, 6), "MatMulInteger": (2, 3),
        "MatMulIntegerToFloat": (2, 3, 4, 5), "MatMulNBits": (2, 3, 4), "MaxUnpool": (2,),
        "NonMaxSuppression": (2, 3, 4), "OneHot": (0, 1, 2), "Pad": (1, 2, 3),
        "QAttention": (3, 4, 5, 6, 7), "QGemm": (1, 2, 4, 5, 7, 8),
        "QLinearAdd": (1, 2, 4, 5, 6, 7), "QLinearConv": (1, 2, 4, 5, 6, 7),
        "QLinearMatMul": (1, 2, 4, 5, 6, 7), "QLinearMul": (1, 2, 4, 5, 6, 7),
        "Quant": (1, 2, 3), "BipolarQuant": (1,), "Trunc": (1, 2, 3, 4),
        "QuantizeLinear": (1, 2), "Range": (0, 1, 2), "Reshape": (1,), "Resize": (1, 2, 3),
        "ReverseSequence": (1,), "RNN": (4, 5), "RoiAlign": (2,), "Scatter": (1,),
        "ScatterElements": (1,), "ScatterND": (1,), "SequenceAt": (1,), "Shape": (0,),
        "Size": (0,), "Slice": (1, 2, 3, 4),
        "Split": (1,), "Squeeze": (1,), "STFT": (1, 3), "Tile": (1,), "TopK": (1,), "Trilu": (1,),
        "Unsqueeze": (1,), "Upsample": (1,), "Where": (0,),
        **{f"Reduce{kind}": (1,) for kind in (
            "L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")},
    }.items()
}  # fmt: skip

#: Element types of indices, masks and labels, which are never learned.
NOT_LEARNED = frozenset({"int64", "uint64", "bool", "string", ""})

#: Operators whose outputs differ from run to run.
RANDOM = frozenset(
    {
        "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
        "RandomUniformLike",
    }
)  # fmt: skip


def controls(op_type: str, position: int) -> bool:
    """Whether the input at ``position`` controls the operator, rather than being a weight."""
    return position in CONTROLS.get(op_type, frozenset())


def carried(op_type: str, inputs: list[Known | None]) -> tuple[str, ...]:
    """Return the parameters contained in a node's constant inputs, each once."""
    names = (
        name
        for position, known in enumerate(inputs)
        if known is not None and not controls(op_type, position)
        for name in known.parameters
    )
    return tuple(dict.fromkeys(names))
