"""The JSON document of ``convert``; ``schemas/convert-1.json`` describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sepcost.report.json import dumps
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion


def render(found: Conversion, view: View) -> str:
    """Write the document."""
    return dumps(found.to_dict())
