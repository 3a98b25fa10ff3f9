"""Which constants are parameters, and which only control an operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sepcost.model.contrib_controls import CONTRIB
from sepcost.model.values import Known

Operator = tuple[str, str]  # domain, op_type

_CONTRIB_DOMAINS = frozenset({"com.microsoft", "com.ms.internal.nhwc"})

#: op_type -> inputs that control the operator (shapes, axes, pads, bounds, scales and zero points
#: of quantisation, initial states) and so are not parameters. Domains are ignored: contrib
#: operators have the inputs of their standard namesakes.
CONTROLS: Mapping[str, frozenset[int]] = {
    name: frozenset(positions)
    for name, positions in {
        "AffineGrid": (1,), "BatchNormalization": (), "CenterCropPad": (1,), "Clip": (1, 2),
        "Compress": (1,), "ConstantOfShape": (0,), "ConvInteger": (2, 3), "CumSum": (1,),
        "DequantizeLinear": (1, 2), "Dropout": (1, 2),
        "Expand": (1,), "EyeLike": (0,), "Gather": (1,), "GatherElements": (1,), "GatherND": (1,),
        "GRU": (4, 5), "If": (0,), "Loop": (0, 1), "LSTM": (4, 5, 6), "MatMulInteger": (2, 3),
        "MaxUnpool": (2,),
        "NonMaxSuppression": (2, 3, 4), "OneHot": (0, 1, 2), "Pad": (1, 2, 3),
        "QLinearConv": (1, 2, 4, 5, 6, 7), "QLinearMatMul": (1, 2, 4, 5, 6, 7),
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

_INTEGER_PRODUCTS = frozenset({"ConvInteger", "MatMulInteger", "MatMulInteger16"})

#: Operators whose output has the ``quantum`` of their input.
_MARKED = frozenset({"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"})

#: Operators whose outputs differ from run to run.
RANDOM = frozenset(
    {
        "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
        "RandomUniformLike",
    }
)  # fmt: skip


def controls(operator: Operator, position: int) -> bool:
    """Whether the input at ``position`` controls the operator, rather than being a weight."""
    domain, op_type = operator
    if position in CONTROLS.get(op_type, ()):
        return True
    return domain in _CONTRIB_DOMAINS and position in CONTRIB.get(op_type, ())


def carried(operator: Operator, inputs: Sequence[Known | None]) -> tuple[str, ...]:
    """Return the parameters contained in a node's constant inputs, each once."""
    names = (
        name
        for position, known in enumerate(inputs)
        if known is not None and not controls(operator, position)
        for name in known.parameters
    )
    return tuple(dict.fromkeys(names))


def weight_inputs(operator: Operator, inputs: Sequence[Known | None]) -> frozenset[int]:
    """Return the positions of the inputs that are weights.

    In dynamic quantisation, the scale of a weight is not one, although a Mul reads it: that Mul
    combines it with the scale of the data, or with the sum of the integer products.
    """
    if operator[1] == "Mul" and any(known and known.quantum for known in inputs):
        return frozenset()
    constant = [at for at, known in enumerate(inputs) if known is not None and known.constant]
    return frozenset([at for at in constant if not controls(operator, at)])


def mark(op_type: str, inputs: Sequence[Known | None], outputs: Sequence[Known]) -> None:
    """Mark the values of dynamic quantisation: scales of data, and sums of integer products."""
    if op_type == "DynamicQuantizeLinear" and len(outputs) > 1:
        outputs[1].quantum = "scale"
    elif op_type in _INTEGER_PRODUCTS and outputs:
        outputs[0].quantum = "sum"
    elif op_type in _MARKED and outputs and inputs and inputs[0]:
        outputs[0].quantum = inputs[0].quantum
    elif op_type == "Mul" and {known.quantum for known in inputs if known} == {"", "scale"}:
        outputs[0].quantum = "scale"
