"""Rows that share an op_type, a scope or a kernel, summed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sepcost.cost.analysis import Analysis, Group, LayerCost, Status
from sepcost.cost.count import separable_macs


def groups(analysis: Analysis, by: str, depth: int | None = None) -> tuple[Group, ...]:
    """Sum rows by what they share; the groups sum to the totals.

    Parameters
    ----------
    analysis
        What was counted.
    by
        ``op`` (op_type, with its domain if not the default), ``scope`` (graph path, then the
        path in the node's name) or ``kernel`` (as in the paper's table 2).
    depth
        How many parts of a scope to keep; all of them by default.

    Returns
    -------
    tuple of Group
        The dearest first.

    Raises
    ------
    ValueError
        Where ``by`` is none of the three.
    """
    if by not in _KEYS:
        raise ValueError(f"groups by {', '.join(_KEYS)}, not {by!r}")
    shared: dict[str, list[LayerCost]] = {}
    for row in analysis.rows:
        if row.counted or row.params:
            shared.setdefault(_KEYS[by](row, depth), []).append(row)
    found = [_group(key, rows) for key, rows in shared.items()]
    return tuple(sorted(found, key=lambda group: -group.macs))


def _group(key: str, every: Sequence[LayerCost]) -> Group:
    rows = [row for row in every if row.counted]
    return Group(
        key=key,
        layers=len(rows),
        macs=sum(row.macs or 0 for row in rows),
        params=sum(row.params for row in every),
        elementwise_ops=sum(row.elementwise_ops or 0 for row in rows),
        bytes_moved=sum(row.bytes_moved or 0 for row in rows),
        separable_macs=sum(separable_macs(row) for row in rows),
        complete=all(row.status in (Status.COUNTED, Status.FREE) for row in rows),
    )


def _op(row: LayerCost, _: int | None) -> str:
    layer = row.layer
    return f"{layer.domain}::{layer.op_type}" if layer.domain else layer.op_type


def _scope(row: LayerCost, depth: int | None) -> str:
    """``/`` for the top; PyTorch and TensorFlow write the path of modules into node names."""
    path = [*row.layer.scope.split("/"), *row.layer.name.split("/")[:-1]]
    return "/".join([part for part in path if part][:depth]) or "/"


def _kernel(row: LayerCost, _: int | None) -> str:
    conv = row.convolution
    if conv is None:
        return "no MACs" if row.status is Status.FREE else row.layer.op_type
    size = "x".join(map(str, conv.kernel))
    depthwise = conv.group == conv.in_channels > 1
    kind = " depthwise" if depthwise else " grouped" if conv.group > 1 else ""
    return f"{size}{kind}{' transposed' if conv.transposed else ''}"


_KEYS: Mapping[str, Callable[[LayerCost, int | None], str]] = {
    "op": _op,
    "scope": _scope,
    "kernel": _kernel,
}
