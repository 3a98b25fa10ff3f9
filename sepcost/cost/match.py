"""Match the layers of two networks by identity and structure rather than by position.

1. Same layer: its name (or id) occurs once in each network, and the structure is equal.
2. Same weight, likewise: a quantised or optimised copy renames nodes, but less often weights.
3. Between those, the order-preserving alignment with the highest score. A pair scores most if name
   and structure are equal, less if only the structure is (renamed: exporters number values
   consecutively, so one new layer renames all that follow), then name and operator (changed), then
   the operator only (changed and renamed).
4. Same name (or id) and operator at any position: moved and changed.
5. Same structure at any position, if there are weights: moved and renamed. ONNX Runtime runs the
   branch of a residual that its last convolution adds first.

The remaining layers were removed or added. Operators that compute the same, such as Conv,
QLinearConv and ConvInteger, count as equal.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import SequenceMatcher

from sepcost.cost.geometry import convolution, operands
from sepcost.network import Layer

Key = Callable[[Layer], Hashable]

#: The score of a pair in an alignment (Needleman and Wunsch 1970, without gap penalty). Equal name
#: and operator score nearly as much as equal structure: otherwise, if all layers of a network were
#: made thinner, the few that happen to resemble another one would be matched to it.
SAME, RENAMED, CHANGED, ALIKE = 8, 6, 5, 2

#: Maximum size of an alignment, at about a microsecond per cell; longer gaps are matched by runs.
MAX_CELLS = 400_000


#: Domains of ONNX's operators, and of those that ONNX Runtime replaces them with.
_RUNTIME = frozenset({"", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc"})

#: The variants of an operator: quantised, in another layout, or fused with what follows.
_VARIANT = re.compile("^(QLinear|DynamicQuantize|Nhwc|Fused)")

#: What quantisers append to the name of a weight.
_QUANTIZED = re.compile(r"_(quantized|Q\d\w*|DequantizeLinear\w*|bnb4|nf4|fp4|scale|zero_point)$")


def structure(layer: Layer) -> Hashable:
    """What a layer computes, regardless of names and number types."""
    operator = _operator(layer)
    if geometry := convolution(layer):
        return operator, geometry, layer.trips, len(layer.branches)
    if operator == "MatMul":
        return operator, layer.inputs[:1], layer.outputs[:1], layer.trips, len(layer.branches)
    return (
        operator,
        layer.inputs,
        layer.outputs,
        frozenset(layer.attributes.items()),
        layer.weights,
        layer.trips,
        len(layer.branches),
    )


def match(old: Sequence[Layer], new: Sequence[Layer]) -> dict[int, int]:
    """Pair layers of two networks.

    Parameters
    ----------
    old, new
        Layers in execution order.

    Returns
    -------
    dict
        Position in ``new`` -> position in ``old``; each position at most once.
    """
    pairing = _Pairing(old, new)
    for identity in (_name, _id, _weight):
        pairing.unique(identity, structure)
    pairing.align()
    for identity in (_name, _id):
        pairing.unique(identity, _operator)
    pairing.moved()
    return pairing.pairs


def _name(layer: Layer) -> str:
    return layer.name and f"{layer.scope}/{layer.name}"


def _id(layer: Layer) -> str:
    return layer.id


def _weight(layer: Layer) -> str:
    """The name of the first weight, without what quantisers append."""
    return _QUANTIZED.sub("", layer.parameters[0]) if layer.parameters else ""


def _operator(layer: Layer) -> Hashable:
    """The operator, the same for all variants that compute the same."""
    if layer.domain not in _RUNTIME:
        return layer.domain, layer.op_type
    where = operands(layer)
    if where is not None and not where.deformable:
        return "ConvTranspose" if where.transposed else "Conv"
    if "MatMul" in layer.op_type or "Gemm" in layer.op_type:
        return "MatMul"
    return _VARIANT.sub("", layer.op_type)


def _once(
    layers: Sequence[Layer], free: Sequence[int], identity: Callable[[Layer], str]
) -> dict[str, int]:
    keys = {at: identity(layers[at]) for at in free}
    counts = Counter(keys.values())
    return {key: at for at, key in keys.items() if key and counts[key] == 1}


Traits = tuple[Hashable, Hashable, Hashable]  # operator, structure, identity


def _traits(layer: Layer) -> Traits:
    return _operator(layer), structure(layer), _name(layer) or _id(layer)


def _score(old: Traits, new: Traits) -> int:
    if old[0] != new[0]:
        return 0
    alike, named = old[1] == new[1], old[2] == new[2]
    if alike:
        return SAME if named else RENAMED
    return CHANGED if named else ALIKE


def alignment(old: Sequence[Traits], new: Sequence[Traits]) -> list[tuple[int, int]]:
    """Return the pairs, in order, with the highest total score."""
    best = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for a in range(len(old) - 1, -1, -1):
        row, below = best[a], best[a + 1]
        for b in range(len(new) - 1, -1, -1):
            score = _score(old[a], new[b])
            row[b] = max(below[b], row[b + 1], below[b + 1] + score if score else 0)
    return list(_walk(old, new, best))


def _walk(
    old: Sequence[Traits], new: Sequence[Traits], best: Sequence[Sequence[int]]
) -> Iterator[tuple[int, int]]:
    a = b = 0
    while a < len(old) and b < len(new):
        score = _score(old[a], new[b])
        if score and best[a][b] == best[a + 1][b + 1] + score:
            yield a, b
            a, b = a + 1, b + 1
        elif best[a][b] == best[a + 1][b]:
            a += 1
        else:
            b += 1


def runs(old: Sequence[Traits], new: Sequence[Traits]) -> Iterator[tuple[int, int]]:
    """Yield pairs of equal structure, in order: the longest run, then runs on either side."""
    matcher = SequenceMatcher(None, [one[1] for one in old], [one[1] for one in new], False)
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            yield block.a + step, block.b + step


class _Pairing:
    """The pairs so far, and the layers still unmatched."""

    def __init__(self, old: Sequence[Layer], new: Sequence[Layer]) -> None:
        self.old, self.new = old, new
        self.pairs: dict[int, int] = {}  # new -> old
        self.free_old = list(range(len(old)))
        self.free_new = list(range(len(new)))

    def take(self, pairs: Iterator[tuple[int, int]]) -> None:
        """Keep pairs as (old, new)."""
        taken = {new: old for old, new in pairs}
        self.pairs |= taken
        gone = set(taken.values())
        self.free_old = [at for at in self.free_old if at not in gone]
        self.free_new = [at for at in self.free_new if at not in taken]

    def unique(self, identity: Callable[[Layer], str], key: Key) -> None:
        """Pair layers whose identity occurs exactly once on each side and whose keys are equal."""
        left = _once(self.old, self.free_old, identity)
        right = _once(self.new, self.free_new, identity)
        self.take(
            (left[k], right[k])
            for k in right
            if k in left and key(self.old[left[k]]) == key(self.new[right[k]])
        )

    def align(self) -> None:
        """Align the unmatched layers between the pairs that are already in order."""
        self.take(pair for olds, news in self._gaps() for pair in self._aligned(olds, news))

    def moved(self) -> None:
        """Pair the unmatched layers that have weights and an equal structure, in order."""
        waiting: dict[Hashable, list[int]] = {}
        for at in reversed(self.free_old):
            if self.old[at].parameters:
                waiting.setdefault(structure(self.old[at]), []).append(at)
        weighed = [at for at in self.free_new if self.new[at].parameters]
        left = ((waiting.get(structure(self.new[at])), at) for at in weighed)
        self.take((olds.pop(), at) for olds, at in left if olds)

    def _aligned(self, olds: list[int], news: list[int]) -> Iterator[tuple[int, int]]:
        left = [_traits(self.old[at]) for at in olds]
        right = [_traits(self.new[at]) for at in news]
        small = len(olds) * len(news) <= MAX_CELLS
        pairs = alignment(left, right) if small else runs(left, right)
        return ((olds[a], news[b]) for a, b in pairs)

    def _gaps(self) -> Iterator[tuple[list[int], list[int]]]:
        """Return the unmatched layers of both sides between each two matched neighbours."""
        fences = self._fences()
        old_fences = [old for _, old in fences]
        new_fences = [new for new, _ in fences]
        gaps: dict[int, tuple[list[int], list[int]]] = {}
        for at in self.free_old:
            gaps.setdefault(bisect_left(old_fences, at), ([], []))[0].append(at)
        for at in self.free_new:
            gaps.setdefault(bisect_left(new_fences, at), ([], []))[1].append(at)
        return ((olds, news) for olds, news in gaps.values() if olds and news)

    def _fences(self) -> list[tuple[int, int]]:
        """The longest increasing sequence of pairs, as (new, old): patience sorting."""
        pairs = sorted(self.pairs.items())
        tails: list[int] = []  # per run length, the smallest old position at its end
        ends: list[int] = []
        before: list[int | None] = []
        for index, (_, old) in enumerate(pairs):
            length = bisect_left(tails, old)
            before.append(ends[length - 1] if length else None)
            tails[length:] = [old, *tails[length + 1 :]]
            ends[length:] = [index, *ends[length + 1 :]]
        run: list[tuple[int, int]] = []
        at = ends[-1] if ends else None
        while at is not None:
            run.append(pairs[at])
            at = before[at]
        return run[::-1]
