"""The place of a fault in a layer spec, and its error message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sepcost import toml_lines
from sepcost.errors import SpecError
from sepcost.toml_lines import Place, key_lines, line_of, shown

__all__ = ["FaultError", "Place", "key_lines", "located", "nearest", "shown"]

#: Names in other libraries -> words of the language.
SYNONYMS: Mapping[str, str] = {
    "avg_pool": "pool",
    "avgpool": "pool",
    "dense": "linear",
    "fc": "linear",
    "filters": "conv",
    "fully_connected": "linear",
    "gap": "global_pool",
    "inputs": "from",
    "max_pool": "pool",
    "maxpool": "pool",
    "mul": "multiply",
    "norm": "batch_norm",
    "bn": "batch_norm",
    "silu": "swish",
}


class FaultError(SpecError):
    """A fault at a place in the document, whose line is not yet known."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.called: Place | None = None  # the outermost call of the block around it


def nearest(word: str, words: Iterable[str]) -> str:
    """Suggest the nearest word of the language: ``"; did you mean 'conv'?"``."""
    return toml_lines.nearest(word, words, SYNONYMS)


def located(fault: FaultError, text: str, origin: str) -> SpecError:
    """Return the error for a fault, with file, line and key."""
    lines = key_lines(text)
    words = [part for part in fault.place if isinstance(part, str)]
    key = f"{shown(words[-1])[1:-1]}: " if words else ""
    call = f" (in the block called on line {line_of(fault.called, lines)})" if fault.called else ""
    return SpecError(f"{origin}:{line_of(fault.place, lines)}: {key}{fault}{call}")
