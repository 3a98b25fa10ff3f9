"""Depthwise convolutions outside the blocked layout of ONNX Runtime, and how to bring them in.

On x86-64, ONNX Runtime's CPU provider keeps float32 activations in blocks of channels (NCHWc),
for which it has its fastest kernels. It does so only for 2-D convolutions, and for grouped ones
only if their channels are a multiple of 4. The others run as a general matrix product per group,
which is slow if a group has one channel. Dense convolutions lose little and are not reported.

The factors: stacks of four layers with Relu, 64 to 256 channels, kernels of 3 to 31 (1-D) and of 3
to 7 (channels), ONNX Runtime 1.32.0 on an AMD EPYC, one thread, runs interleaved. ONNX Runtime's
own optimised graph is the witness of which layers are in the blocked layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from sepcost.cost.geometry import key, operands
from sepcost.cost.results import LayerCost
from sepcost.cost.words import listed, plural
from sepcost.network import Network

#: Grouped convolutions enter the blocked layout with multiples of this many channels.
ALIGNED = 4
_FLOAT = frozenset({("", "Conv"), ("com.microsoft", "FusedConv")})


@dataclass(frozen=True, slots=True)
class Outside:
    """Depthwise layers outside the blocked layout, for one reason."""

    reason: str
    remedy: str
    layers: tuple[LayerCost, ...]

    def line(self, share: str = "") -> str:
        """One line of advice; ``share`` is their part of the time, if measured."""
        names = listed(row.layer.name or row.layer.id for row in self.layers)
        many = plural(len(self.layers), "depthwise convolution")
        return f"{many} {self.reason}{share}: {self.remedy}: {names}"


_FLAT = (
    "in 1-D, 3 to 5 times slower in ONNX Runtime on x86-64 than in 2-D with a 1×k kernel",
    "Unsqueeze input and weight at axis 2, and Squeeze the output",
)
_UNEVEN = (
    f"whose channels are not a multiple of {ALIGNED}, 3 to 13 times slower in ONNX Runtime on "
    "x86-64 than with the next multiple",
    "add channels of zeros, also in the layers before and after",
)


def outside(network: Network, rows: Sequence[LayerCost]) -> tuple[Outside, ...]:
    """Find the depthwise layers that run outside the blocked layout, by reason.

    Parameters
    ----------
    network
        The described network.
    rows
        Its counted rows. Those in a branch that does not count are left out.

    Returns
    -------
    tuple
        An entry per reason that applies. A layer with both reasons needs both remedies.
    """
    dequantised = {
        name
        for layer in network.layers
        if layer.op_type == "DequantizeLinear"
        for name in layer.writes
    }
    rows = [row for row in rows if row.counted and _depthwise(network, row, dequantised)]
    flat = tuple(row for row in rows if row.convolution and len(row.convolution.kernel) == 1)
    uneven = tuple(
        row for row in rows if row.convolution and row.convolution.out_channels % ALIGNED
    )
    return tuple(_found((_FLAT, flat), (_UNEVEN, uneven)))


def _found(*kinds: tuple[tuple[str, str], tuple[LayerCost, ...]]) -> Iterator[Outside]:
    for (reason, remedy), layers in kinds:
        if layers:
            yield Outside(reason, remedy, layers)


def _depthwise(network: Network, row: LayerCost, dequantised: Set[str]) -> bool:
    """Whether it runs in float32, in one or two dimensions, with one filter per channel."""
    layer, found = row.layer, row.convolution
    where = operands(layer)
    if found is None or where is None or key(layer) not in _FLOAT:
        return False
    name = layer.reads[where.weight] if len(layer.reads) > where.weight else ""
    weight = network.values.get(name)
    return (
        found.group == found.in_channels == found.out_channels > 1
        and len(found.kernel) in {1, 2}
        and where.weight in layer.weights
        and weight is not None
        and weight.dtype == "float32"
        and name not in dequantised
    )
