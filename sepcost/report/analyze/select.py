"""Which rows of an analysis a report shows, and in which order. Totals do not change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from math import prod

from sepcost.cost import groups as grouping
from sepcost.cost.analysis import Analysis
from sepcost.cost.results import CountStatus, Group, LayerCost
from sepcost.report.view import View

Key = Callable[[LayerCost], int | float | str]

#: ``--sort``: numbers from the largest down, text from A to Z; unknown values come first, since
#: they may be large.
ROW_KEYS: Mapping[str, Key] = {
    "macs": lambda row: _descending(row.macs),
    "params": lambda row: -row.params,
    "bytes": lambda row: _descending(row.bytes_moved),
    "elementwise": lambda row: _descending(row.elementwise_ops),
    "intensity": lambda row: -(row.intensity or 0.0),
    "saving": lambda row: -_saving(row),
    "name": lambda row: row.layer.name or row.layer.id,
    "op": lambda row: row.layer.op_type,
}
GROUP_KEYS: Mapping[str, Callable[[Group], int | float | str]] = {
    "macs": lambda group: -group.macs,
    "params": lambda group: -group.params,
    "bytes": lambda group: -group.bytes_moved,
    "elementwise": lambda group: -group.elementwise_ops,
    "intensity": lambda group: -2 * group.macs / (group.bytes_moved or 1),
    "saving": lambda group: group.separable_macs - group.macs,
    "name": lambda group: group.key,
    "op": lambda group: group.key,
}
TEXTS = frozenset({"order", "name", "op"})

#: ``--only``: kinds of rows.
KINDS: Mapping[str, Callable[[LayerCost], bool]] = {
    "conv": lambda row: row.convolution is not None,
    "pointwise": lambda row: row.convolution is not None and prod(row.convolution.kernel) == 1,
    "depthwise": lambda row: (
        row.convolution is not None and row.convolution.group == row.convolution.in_channels > 1
    ),
    "eligible": lambda row: row.separable is not None and row.separable.eligible,
    "counted": lambda row: row.status is CountStatus.COUNTED,
    "free": lambda row: row.status is CountStatus.FREE,
    "unknown": lambda row: row.status in {CountStatus.UNKNOWN, CountStatus.UNRESOLVED},
}


def _descending(value: int | None) -> float:
    return float("-inf") if value is None else -value


def _saving(row: LayerCost) -> int:
    separable = row.separable
    if separable is None or separable.macs is None or row.macs is None:
        return 0
    return row.macs - separable.macs


def matching(rows: Iterable[LayerCost], only: Sequence[str]) -> tuple[LayerCost, ...]:
    """Rows that match any of ``only``; all rows if it is empty."""
    return tuple(row for row in rows if not only or any(_matches(row, text) for text in only))


def _matches(row: LayerCost, text: str) -> bool:
    """A kind in ``KINDS``, else a glob: of op types in any case, or of names and ids as written."""
    kind = KINDS.get(text.lower())
    if kind is not None:
        return kind(row)
    layer = row.layer
    return fnmatchcase(layer.op_type.lower(), text.lower()) or any(
        fnmatchcase(name, text) for name in (layer.name, layer.node, layer.id)
    )


def select(
    analysis: Analysis, only: Sequence[str] = (), sort: str = "order", top: int = 0
) -> tuple[LayerCost, ...]:
    """The first ``top`` rows (0: all) by ``sort`` that match ``only``, in that order.

    If ``sort`` orders by text, the top rows are those with the most MACs.
    """
    rows = list(enumerate(matching(analysis.rows, only)))
    if top:
        cost = ROW_KEYS["macs" if sort in TEXTS else sort]
        rows = sorted(sorted(rows, key=lambda item: cost(item[1]))[:top])
    ordered = [row for _, row in rows]
    return tuple(ordered if sort == "order" else sorted(ordered, key=ROW_KEYS[sort]))


def order_groups(groups: Iterable[Group], sort: str, top: int = 0) -> tuple[Group, ...]:
    """The first ``top`` groups by ``sort`` (``order`` does not sort them)."""
    ordered = list(groups) if sort == "order" else sorted(groups, key=GROUP_KEYS[sort])
    return tuple(ordered[:top] if top else ordered)


def layers(analysis: Analysis, view: View) -> tuple[LayerCost, ...]:
    """The rows of ``view``, one per layer."""
    rows = view.rows
    return select(analysis, rows.only, rows.sort or "order", view.most)


def groups(analysis: Analysis, view: View) -> tuple[Group, ...]:
    """The rows of ``view``, one per group of the layers that ``only`` selects."""
    rows = view.rows
    left = replace(analysis, rows=matching(analysis.rows, rows.only))
    return order_groups(grouping.groups(left, rows.by, rows.depth), rows.sort or "macs", view.most)
