"""Sums over rows that share an op_type, a scope or a kernel."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from sepcost.cost.analysis import Analysis
from sepcost.cost.count import separable_macs
from sepcost.cost.results import CountStatus, Group, LayerCost

#: What ONNX Runtime appends to the name of a node that it copies or fuses.
_DERIVED = re.compile(r"(/+(\w*Fusion|duplicated)\w*)+/*$")


def groups(analysis: Analysis, by: str, depth: int | None = None) -> tuple[Group, ...]:
    """Sum rows by a shared property; the groups add up to the totals.

    Parameters
    ----------
    analysis
        The analysis to group.
    by
        ``op`` (op_type, with its domain unless it is the default), ``scope`` (graph path, then
        the path in the node's name) or ``kernel`` (as in the paper's table 2).
    depth
        Number of scope levels to keep; all by default.

    Returns
    -------
    tuple of Group
        The most expensive first.

    Raises
    ------
    ValueError
        If ``by`` is none of the three.
    """
    if by not in _KEYS:
        raise ValueError(f"cannot group by {by!r}; choose from {', '.join(_KEYS)}")
    shared: dict[str, list[LayerCost]] = {}
    for row in analysis.rows:
        if row.counted or row.params:
            shared.setdefault(_KEYS[by](row, depth), []).append(row)
    result = [_group(key, rows) for key, rows in shared.items()]
    return tuple(sorted(result, key=lambda group: -group.macs))


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
        complete=all(row.status in (CountStatus.COUNTED, CountStatus.FREE) for row in rows),
    )


def _op(row: LayerCost, _: int | None) -> str:
    layer = row.layer
    return f"{layer.domain}::{layer.op_type}" if layer.domain else layer.op_type


def _scope(row: LayerCost, depth: int | None) -> str:
    """``/`` at the top; else the path of the graph and the module, or the path in the node's name.

    PyTorch's older exporter and TensorFlow write paths into the names of nodes.
    """
    layer = row.layer
    outside = [part for part in (layer.path or layer.scope).split("/") if part]
    named = [part for part in _DERIVED.sub("", layer.name).split("/")[:-1] if part]
    if layer.module and (layer.node != layer.name or not named):
        inside = layer.module.split(".")
        if depth is not None:
            inside = inside[: max(0, depth - len(outside))]
        path = [*outside[:depth], ".".join(inside)]
    else:
        path = [*outside, *named][:depth]
    return "/".join(filter(None, path)) or "/"


def _kernel(row: LayerCost, _: int | None) -> str:
    conv = row.convolution
    if conv is None:
        return "no MACs" if row.status is CountStatus.FREE else row.layer.op_type
    size = "x".join(map(str, conv.kernel))
    depthwise = conv.group == conv.in_channels > 1
    kind = " depthwise" if depthwise else " grouped" if conv.group > 1 else ""
    return f"{size}{kind}{' transposed' if conv.transposed else ''}"


_KEYS: Mapping[str, Callable[[LayerCost, int | None], str]] = {
    "op": _op,
    "scope": _scope,
    "kernel": _kernel,
}
