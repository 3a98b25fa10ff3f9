"""The JSON document of ``analyze``; ``schemas/analyze-1.json`` describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from sepcost.cost.analysis import Analysis
from sepcost.cost.document import document, group_entries
from sepcost.report.view import View

#: A list that holds nothing but numbers, as ``indent`` lays it out.
NUMBERS = re.compile(r"\[\n[-\d,\s]+\]")

GROUPED = frozenset({"op", "scope", "kernel"})


def render(analyses: Sequence[Analysis], view: View) -> str:
    """One document for all analyses: ASCII only, and no number that JSON does not have.

    ``layers`` holds the rows that the view selects, in its order; totals and coverage are those
    of the whole model. Where the view groups, ``groups`` holds one entry a group.
    """
    found = document(analyses, list(dict.fromkeys(analysis.source for analysis in analyses)))
    for entry, analysis in zip(found["models"], analyses, strict=True):
        layers = {layer["id"]: layer for layer in entry["layers"]}
        entry["layers"] = [layers[row.layer.id] for row in view.layers(analysis)]
        if view.by in GROUPED:
            entry["groups"] = group_entries(view.groups(analysis))
    return dumps(found)


def dumps(found: object) -> str:
    """Indented, with lists of numbers such as shapes on one line each.

    A line break in the text is always layout: within strings JSON escapes it.
    """
    text = json.dumps(found, indent=1, allow_nan=False)
    return (
        NUMBERS.sub(
            lambda match: " ".join(match[0].split()).replace("[ ", "[").replace(" ]", "]"), text
        )
        + "\n"
    )
