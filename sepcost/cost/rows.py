"""A row of the table of operators: everything that sepcost needs to count one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sepcost.network import Layer

Key = tuple[str, str]  # domain ("" for ai.onnx) and op_type
MacFormula = Callable[[Layer], int]
ElementFormula = Callable[[Layer], int | None]

#: How an operator uses the memory of its first input: shares it ("view"), reads only the bytes that
#: it writes ("picks"), reads only the shape ("shape"), or moves nothing at all ("none").
Traffic = Literal["all", "view", "picks", "shape", "none"]


@dataclass(frozen=True, slots=True)
class Row:
    """The cost of one run of one operator."""

    macs: MacFormula | None = None  # None: costs no MACs, unless ``uncounted`` says why not
    elements: ElementFormula | None = None  # without the bias; None: not known
    bias: int = -1  # the input with a bias, which adds one operation per output element
    traffic: Traffic = "all"
    uncounted: str = ""  # why there is no formula


def table(domain: str, *groups: tuple[Row, str]) -> dict[Key, Row]:
    """Give each of the space-separated operators of a group its row.

    Raises
    ------
    ValueError
        If an operator is listed twice.
    """
    rows: dict[Key, Row] = {}
    for row, names in groups:
        for op_type in names.split():
            if (domain, op_type) in rows:
                raise ValueError(f"{domain}::{op_type} is listed twice")
            rows[domain, op_type] = row
    return rows
