"""The JSON document of ``convert``; ``schemas/convert-1.json`` describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sepcost.report.json import dumps

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion


def render(found: Conversion) -> str:
    """Write the document."""
    return dumps(found.to_dict())
