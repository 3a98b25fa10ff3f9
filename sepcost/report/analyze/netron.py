"""An attachment for Netron: open the model, drop the file on it, and each node shows its cost.

Netron finds a node by the first line of its name. If that is empty or not unique, the figures go
to the node's first output, which is unique.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from sepcost.cost.analysis import Analysis
from sepcost.cost.results import LayerCost
from sepcost.report.view import View

Metric = dict[str, str | int | float]


def render(analyses: Sequence[Analysis], view: View) -> str:
    """The text of the attachment, which is about one model."""
    (analysis,) = analyses
    document = {"signature": "netron:attachment", "metrics": list(metrics(analysis))}
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def metrics(analysis: Analysis) -> Iterator[Metric]:
    """Totals on the model, then the figures of every row that has any."""
    yield {"kind": "model", "target": "", "name": "macs", "value": analysis.totals.macs}
    yield {"kind": "model", "target": "", "name": "params", "value": analysis.totals.params}
    uses = Counter(_first_line(row) for row in analysis.rows)
    for row in analysis.rows:
        name = _first_line(row)
        unique = name and uses[name] == 1
        kind, target = ("node", name) if unique else ("value", row.layer.id)
        for metric, value in _figures(row):
            yield {"kind": kind, "target": target, "name": metric, "value": value}


def _first_line(row: LayerCost) -> str:
    return row.layer.node.split("\n", 1)[0]


def _figures(row: LayerCost) -> Iterator[tuple[str, int | float]]:
    if row.macs:
        yield "macs", row.macs
    if row.params:
        yield "params", row.params
    if row.separable and row.separable.eligible and row.separable.ratio is not None:
        yield "separable_ratio", row.separable.ratio
