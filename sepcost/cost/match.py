"""Which layer of one network is which of another: by identity, then by structure, then by place.

1. Same name (or id) and same structure: the same layer.
2. Same structure, in the same order between layers that are already matched: renamed. Exporters
   number values through, so one layer more renames all that follow.
3. Same name (or id) and operator: changed.
4. Same operator between the same matched neighbours: changed and renamed.

What is left was removed or added.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import SequenceMatcher

from sepcost.network import Layer

Key = Callable[[Layer], Hashable]

#: Beyond this many layers on either side an alignment, which takes quadratic time, is cut up.
MAX_ALIGNED = 600


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
    for what in (structure, _operator):
        pairing.unique(_name, what)
        pairing.unique(_id, what)
        pairing.aligned(what)
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

    def aligned(self, key: Key) -> None:
        """Pair layers with equal keys in order, between pairs that stand in order already."""
        self.take(self._aligned(key))

    def _aligned(self, key: Key) -> Iterator[tuple[int, int]]:
        for olds, news in self._gaps():
            for start in range(0, min(len(olds), len(news)), MAX_ALIGNED):
                left, right = olds[start:][:MAX_ALIGNED], news[start:][:MAX_ALIGNED]
                matcher = SequenceMatcher(
                    None, [key(self.old[i]) for i in left], [key(self.new[i]) for i in right],
                    autojunk=False,
                )  # fmt: skip
                for block in matcher.get_matching_blocks():
                    for step in range(block.size):
                        yield left[block.a + step], right[block.b + step]

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
