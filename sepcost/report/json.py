"""How JSON documents are written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sepcost import __version__

if TYPE_CHECKING:
    from sepcost.report.view import View

#: A list that contains only numbers, as ``indent`` lays it out.
NUMBERS = re.compile(r"\[\n[-\d,\s]+\]")


def headed(command: str, sources: Sequence[str], body: dict[str, Any]) -> dict[str, Any]:
    """Return ``body`` after the header that all documents share."""
    heading = {"schema": f"sepcost/{command}/1", "version": __version__, "sources": list(sources)}
    return heading | body


def per_model(command: str, models: Iterable[dict[str, Any]], view: View) -> str:
    """A document with one entry per model, and the sources that could not be read."""
    entries = list(models)
    sources = list(dict.fromkeys(entry["source"] for entry in entries))
    errors = [{"source": each.model, "message": each.message} for each in view.unread]
    return dumps(headed(command, sources, {"models": entries, "errors": errors}))


def dumps(document: object) -> str:
    """Indented ASCII with each list of numbers on one line, without NaN and infinity.

    A line break in the text is always layout: within strings JSON escapes it.
    """
    text = json.dumps(document, indent=1, allow_nan=False)
    return (
        NUMBERS.sub(
            lambda match: " ".join(match[0].split()).replace("[ ", "[").replace(" ]", "]"), text
        )
        + "\n"
    )
