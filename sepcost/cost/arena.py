"""The least memory for activations in one arena: operators in place, memory reused, with offsets.

Conventions, where they differ from ``cost.memory``:

* An operator of ``IN_PLACE`` writes over an input of the same shape and size that nobody reads
  later, if the same graph wrote it: never over an input or output of the model.
* Values that share memory, as views or in place, form one buffer. It lives from the row that writes
  the first of them to the last row that reads one.
* Buffers are placed by size, and in some other orders, each in the tightest gap among the buffers
  that live at the same time. The best order counts. No placement needs less than ``least_bytes``,
  the most that live at once.
* As for the peak, the body of a loop is passed once.
* Offsets are not aligned. Values of unknown size are left out and listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from sepcost.cost.geometry import key
from sepcost.cost.memory import is_view, lives
from sepcost.network import ABSENT, Layer, Network


def _over(places: tuple[int, ...], names: str) -> dict[str, tuple[int, ...]]:
    return dict.fromkeys(names.split(), places)


#: Operators that can write their output over an input, with the inputs that can be overwritten:
#: each element of the output depends only on the element of that input at the same place.
IN_PLACE: Mapping[str, tuple[int, ...]] = {
    **_over((0,), """
    Abs Acos Acosh Asin Asinh Atan Atanh BatchNormalization BiasAdd BiasGelu BitwiseNot Ceil Celu
    Clip Cos Cosh Elu Erf Exp FastGelu Floor Gelu HardSigmoid HardSwish LeakyRelu Log Mish Neg Not
    PRelu ParametricSoftplus QuickGelu Reciprocal Relu Round ScaledTanh Selu Shrink Sigmoid Sign Sin
    Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu
    """),
    **_over((0, 1), """
    Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less
    LessOrEqual Max Mean Min Mod Mul Or Pow Sub Sum Xor
    """),
    **_over((0, 1, 2), "Where"),
}  # fmt: skip
DOMAINS = frozenset({"", "com.microsoft"})


@dataclass(frozen=True, slots=True)
class Buffer:
    """A part of the arena, and the values that it holds one after another."""

    offset: int
    size: int
    first: int  # row that writes it; 0 for an input of the model
    last: int  # row after which it is free
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arena:
    """A placement of all activations."""

    size_bytes: int
    least_bytes: int  # no placement of these buffers needs less
    buffers: tuple[Buffer, ...]  # by offset
    unplaced: tuple[str, ...] = ()  # values of unknown size


@dataclass(slots=True)
class _Life:
    """A buffer before it has a place."""

    size: int
    first: int
    last: int
    scope: str
    overwritable: bool
    values: list[str] = field(default_factory=list)


def arena(network: Network, layers: Iterable[Layer] | None = None) -> Arena:
    """Place the activations of a network.

    Parameters
    ----------
    network
        Provides the values.
    layers
        The layers that run, in order; by default all layers of the network.
    """
    order = tuple(network.layers if layers is None else layers)
    lived, unplaced = _lives(network, order)
    least = _most_alive(lived)
    best: tuple[int, list[int]] | None = None
    for rank in ORDERS:
        offsets = _placed(lived, sorted(range(len(lived)), key=lambda at: rank(lived[at])))
        size = max((o + life.size for o, life in zip(offsets, lived, strict=True)), default=0)
        if best is None or size < best[0]:
            best = size, offsets
        if size == least:
            break
    assert best is not None
    buffers = [
        Buffer(offset, life.size, life.first, life.last, tuple(life.values))
        for offset, life in zip(best[1], lived, strict=True)
    ]
    ordered = sorted(buffers, key=lambda buffer: (buffer.offset, buffer.first))
    return Arena(best[0], least, tuple(ordered), tuple(unplaced))


#: Orders in which buffers are placed: by size, by the memory that they hold over time, from the
#: start.
ORDERS: tuple[Callable[[_Life], tuple[int, ...]], ...] = (
    lambda life: (-life.size, life.first),
    lambda life: (-life.size, life.first - life.last),
    lambda life: (-life.size * (life.last - life.first + 1), life.first),
    lambda life: (life.first - life.last, -life.size),
    lambda life: (life.first, -life.size),
    lambda life: (-life.last, -life.size),
)


def _lives(network: Network, order: Sequence[Layer]) -> tuple[list[_Life], list[str]]:
    """Return all buffers in the order of their first rows, and the values of unknown size."""
    last = _last_reads(network, order)
    homes: dict[str, _Life] = {}
    found: list[_Life] = []
    unplaced: list[str] = []

    def begin(name: str, row: int, scope: str, overwritable: bool) -> None:
        size = network.values[name].size_bytes
        if size is None:
            unplaced.append(name)
        else:
            homes[name] = _Life(size, row, last.get(name, row), scope, overwritable, [name])
            found.append(homes[name])

    for value in network.inputs:
        begin(value.name, 0, "", False)
    for row, layer in enumerate(order, start=1):
        for name in dict.fromkeys(filter(None, layer.writes)):
            if name in homes or not lives(network.values.get(name)):
                continue
            home = _shared(network, layer, row, name, homes)
            if home is None:
                begin(name, row, layer.scope, name not in network.outputs)
                continue
            home.values.append(name)
            home.last = max(home.last, last.get(name, row))
            home.overwritable &= name not in network.outputs
            homes[name] = home
    return found, unplaced


def _last_reads(network: Network, order: Sequence[Layer]) -> dict[str, int]:
    """The last row that reads each value; outputs are kept to the end."""
    last = {name: row for row, layer in enumerate(order, start=1) for name in layer.reads}
    return last | dict.fromkeys(network.outputs, len(order))


def _shared(
    network: Network, layer: Layer, row: int, name: str, homes: Mapping[str, _Life]
) -> _Life | None:
    """Return the buffer that an output shares with an input: as a view, or in place."""
    if name != layer.writes[0]:
        return None
    if is_view(layer):
        return homes.get(layer.reads[0]) if layer.reads else None
    domain, op_type = key(layer)
    places = IN_PLACE.get(op_type, ()) if domain in DOMAINS else ()
    shape = network.values[name].shape
    for place in places:
        read = layer.reads[place] if place < len(layer.reads) else ""
        home, value = homes.get(read), network.values.get(read)
        if home is None or value is None or value.shape != shape or shape == ABSENT:
            continue
        free = home.overwritable and home.last == row and home.scope == layer.scope
        if free and home.size == network.values[name].size_bytes:
            return home
    return None


def _most_alive(lived: Sequence[_Life]) -> int:
    changes = [0] * (max((life.last for life in lived), default=0) + 2)
    for life in lived:
        changes[life.first] += life.size
        changes[life.last + 1] -= life.size
    return max(accumulate(changes), default=0)


def _placed(lived: Sequence[_Life], order: Iterable[int]) -> list[int]:
    """Place each buffer in the tightest gap that fits, or after all that live with it."""
    offsets = [0] * len(lived)
    done: list[int] = []
    for at in order:
        life = lived[at]
        taken = sorted(
            (offsets[other], offsets[other] + lived[other].size)
            for other in done
            if lived[other].first <= life.last and life.first <= lived[other].last
        )
        offsets[at] = _gap(life.size, taken)
        done.append(at)
    return offsets


def _gap(size: int, taken: Sequence[tuple[int, int]]) -> int:
    """The start of the smallest gap of at least ``size`` bytes among sorted ranges."""
    best, tightest, free = None, 0, 0
    for start, end in taken:
        room = start - free
        if room >= size and (best is None or room < tightest):
            best, tightest = free, room
        free = max(free, end)
    return free if best is None else best
