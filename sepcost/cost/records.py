"""The rows of an analysis as plain records, for CSV, data frames and notebooks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from sepcost.cost.results import Convolution, LayerCost, Separable
from sepcost.cost.words import plural
from sepcost.errors import SepcostError
from sepcost.network import ABSENT, Shape

Cell = str | int | float | bool | None

#: Libraries that make a data frame of columns by name.
FRAMES: Mapping[str, str] = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}
#: Columns of a notebook; its rows are those with the most MACs.
SHOWN = ("name", "op_type", "kernel", "output", "macs", "params", "bytes_moved", "separable_macs")
MOST_SHOWN = 60


def _shape(shape: Shape) -> str:
    return "" if shape == ABSENT else "x".join(map(str, shape))


def _of_conv(read: Callable[[Convolution], Cell]) -> Callable[[LayerCost], Cell]:
    return lambda row: read(row.convolution) if row.convolution else None


def _of_separable(read: Callable[[Separable], Cell]) -> Callable[[LayerCost], Cell]:
    return lambda row: read(row.separable) if row.separable else None


#: The columns of one row per layer.
LAYER: Mapping[str, Callable[[LayerCost], Cell]] = {
    "id": lambda row: row.layer.id,
    "name": lambda row: row.layer.name,
    "op_type": lambda row: row.layer.op_type,
    "domain": lambda row: row.layer.domain,
    "scope": lambda row: row.layer.scope,
    "trips": lambda row: row.layer.trips,
    "status": lambda row: row.status.value,
    "reason": lambda row: row.reason,
    "counted": lambda row: row.counted,
    "output": lambda row: _shape(row.layer.outputs[0]) if row.layer.outputs else None,
    "macs": lambda row: row.macs,
    "flops": lambda row: None if row.macs is None else 2 * row.macs,
    "params": lambda row: row.params,
    "elementwise_ops": lambda row: row.elementwise_ops,
    "bytes_moved": lambda row: row.bytes_moved,
    "intensity": lambda row: row.intensity,
    "kernel": _of_conv(lambda conv: _shape(conv.kernel)),
    "strides": _of_conv(lambda conv: _shape(conv.strides)),
    "dilations": _of_conv(lambda conv: _shape(conv.dilations)),
    "pads": _of_conv(lambda conv: _shape(conv.pads)),
    "group": _of_conv(lambda conv: conv.group),
    "in_channels": _of_conv(lambda conv: conv.in_channels),
    "out_channels": _of_conv(lambda conv: conv.out_channels),
    "separable_eligible": _of_separable(lambda found: found.eligible),
    "separable_reason": _of_separable(lambda found: found.reason),
    "separable_macs": _of_separable(lambda found: found.macs),
    "separable_params": _of_separable(lambda found: found.params),
    "separable_ratio": _of_separable(lambda found: found.ratio),
    "break_even_rank": _of_separable(lambda found: found.break_even_rank),
    "low_rank_break_even": lambda row: row.low_rank.break_even_rank if row.low_rank else None,
}


def records(rows: Iterable[LayerCost]) -> list[dict[str, Cell]]:
    """One record per row."""
    return [{name: read(row) for name, read in LAYER.items()} for row in rows]


def data_frame(rows: Iterable[LayerCost], library: str | None) -> Any:
    """A data frame of the records.

    Raises
    ------
    SepcostError
        If the library is unknown or not installed.
    """
    if library is not None and library not in FRAMES:
        raise SepcostError(f"to_dataframe: {library!r} is not one of {', '.join(FRAMES)}")
    imported = [name for name in FRAMES if name in sys.modules]
    for name in [library] if library else [*imported, *FRAMES]:
        try:
            make = getattr(import_module(name), FRAMES[name])
        except ImportError:
            continue
        found = records(rows)
        return make({column: [record[column] for record in found] for column in LAYER})
    missing = library or " or ".join(FRAMES)
    raise SepcostError(f"to_dataframe: install {missing}, or use to_records()")


def fragment(title: str, rows: Iterable[LayerCost]) -> str:
    """A table in HTML, which a notebook shows: the rows with the most MACs, in their order."""
    from html import escape  # noqa: PLC0415  (only in notebooks)

    every = records(rows)
    costly = sorted(every, key=lambda record: -float(record["macs"] or 0))[:MOST_SHOWN]
    kept = {record["id"] for record in costly}
    head = "".join(f"<th>{name}</th>" for name in SHOWN)
    body = "".join(
        f"<tr>{''.join(_cell(escape, record[name]) for name in SHOWN)}</tr>"
        for record in every
        if record["id"] in kept
    )
    hidden = len(every) - len(kept)
    left = f"<p>{plural(hidden, 'more layer')}</p>" if hidden else ""
    return (
        f"<p><b>{escape(title)}</b></p><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{left}"
    )


def _cell(escape: Callable[[str], str], value: Cell) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td style="text-align:right">{value:,}</td>'
    return f"<td>{'' if value is None else escape(str(value))}</td>"
