"""Which layer of one network is which of another: by identity and structure, not by position.

1. A name (or id) that stands once on either side, with the same structure: the same layer.
2. Between those, the alignment in order that keeps most: what is alike in name and structure, then
   in structure (renamed: exporters number values through, so one layer more renames all that
   follow), then in name and operator (changed), then in operator (changed and renamed).
3. A name (or id) with the same operator, wherever it stands: moved and changed.

What is left was removed or added.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import SequenceMatcher

from sepcost.network import Layer

Key = Callable[[Layer], Hashable]

#: What a pair is worth to an alignment (Needleman and Wunsch 1970, gaps cost nothing): that of
#: one name and operator nearly as much as that of one structure, so that a network whose every
#: layer got thinner is not torn apart for the few that happen to look like another.
SAME, RENAMED, CHANGED, ALIKE = 8, 6, 5, 2

#: Cells of an alignment, which takes a microsecond for each; longer gaps are matched run by run.
MAX_CELLS = 400_000


def structure(layer: Layer) -> Hashable:
    """What a layer computes, whatever it and its values are called."""
    return (
        layer.op_type,
        layer.domain,
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
        Position in ``new`` -> position in ``old``. No position stands twice.
    """
    pairing = _Pairing(old, new)
    for identity in (_name, _id):
        pairing.unique(identity, structure)
    pairing.align()
    for identity in (_name, _id):
        pairing.unique(identity, _operator)
    return pairing.found


def _name(layer: Layer) -> str:
    return layer.name and f"{layer.scope}/{layer.name}"


def _id(layer: Layer) -> str:
    return layer.id


def _operator(layer: Layer) -> Hashable:
    return (layer.op_type, layer.domain)


def _once(
    layers: Sequence[Layer], free: Sequence[int], identity: Callable[[Layer], str]
) -> dict[str, int]:
    keys = {at: identity(layers[at]) for at in free}
    counts = Counter(keys.values())
    return {key: at for at, key in keys.items() if key and counts[key] == 1}


Traits = tuple[Hashable, Hashable, Hashable]  # operator, structure, identity


def _traits(layer: Layer) -> Traits:
    return _operator(layer), structure(layer), _name(layer) or _id(layer)


def _worth(old: Traits, new: Traits) -> int:
    if old[0] != new[0]:
        return 0
    alike, named = old[1] == new[1], old[2] == new[2]
    if alike:
        return SAME if named else RENAMED
    return CHANGED if named else ALIKE


def alignment(old: Sequence[Traits], new: Sequence[Traits]) -> list[tuple[int, int]]:
    """Pairs in order whose worth sums to the most."""
    best = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for a in range(len(old) - 1, -1, -1):
        row, below = best[a], best[a + 1]
        for b in range(len(new) - 1, -1, -1):
            worth = _worth(old[a], new[b])
            row[b] = max(below[b], row[b + 1], below[b + 1] + worth if worth else 0)
    return list(_walk(old, new, best))


def _walk(
    old: Sequence[Traits], new: Sequence[Traits], best: Sequence[Sequence[int]]
) -> Iterator[tuple[int, int]]:
    a = b = 0
    while a < len(old) and b < len(new):
        worth = _worth(old[a], new[b])
        if worth and best[a][b] == best[a + 1][b + 1] + worth:
            yield a, b
            a, b = a + 1, b + 1
        elif best[a][b] == best[a + 1][b]:
            a += 1
        else:
            b += 1


def runs(old: Sequence[Traits], new: Sequence[Traits]) -> Iterator[tuple[int, int]]:
    """Pairs in order of equal structure: the longest run first, then those on either side."""
    matcher = SequenceMatcher(None, [one[1] for one in old], [one[1] for one in new], False)
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            yield block.a + step, block.b + step


class _Pairing:
    """The pairs found so far, and who is still alone."""

    def __init__(self, old: Sequence[Layer], new: Sequence[Layer]) -> None:
        self.old, self.new = old, new
        self.found: dict[int, int] = {}
        self.free_old = list(range(len(old)))
        self.free_new = list(range(len(new)))

    def take(self, pairs: Iterator[tuple[int, int]]) -> None:
        """Keep pairs as (old, new)."""
        taken = {new: old for old, new in pairs}
        self.found |= taken
        gone = set(taken.values())
        self.free_old = [at for at in self.free_old if at not in gone]
        self.free_new = [at for at in self.free_new if at not in taken]

    def unique(self, identity: Callable[[Layer], str], key: Key) -> None:
        """Pair layers whose identity stands once on either side, where their keys agree too."""
        left = _once(self.old, self.free_old, identity)
        right = _once(self.new, self.free_new, identity)
        self.take(
            (left[k], right[k])
            for k in right
            if k in left and key(self.old[left[k]]) == key(self.new[right[k]])
        )

    def align(self) -> None:
        """Pair layers in order between pairs that stand in order already."""
        self.take(pair for olds, news in self._gaps() for pair in self._aligned(olds, news))

    def _aligned(self, olds: list[int], news: list[int]) -> Iterator[tuple[int, int]]:
        left = [_traits(self.old[at]) for at in olds]
        right = [_traits(self.new[at]) for at in news]
        small = len(olds) * len(news) <= MAX_CELLS
        found = alignment(left, right) if small else runs(left, right)
        return ((olds[a], news[b]) for a, b in found)

    def _gaps(self) -> Iterator[tuple[list[int], list[int]]]:
        """Free layers of both sides between the same matched neighbours."""
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
        """The longest run of pairs that rise on both sides, as (new, old): patience sorting."""
        pairs = sorted(self.found.items())
        tails: list[int] = []  # the least last old position of a run of each length
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
