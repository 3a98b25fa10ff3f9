"""Names and numbers in the sentences of an analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterable

_NAMED = 3  # names shown before "and n more"


def listed(names: Iterable[str], note: Callable[[str], str] = lambda _: "") -> str:
    """List the first names, quoted and escaped, each with its note, and how many more there are."""
    every = list(names)
    shown = ", ".join(f"{name[:80]!r}{note(name)}" for name in every[:_NAMED])
    rest = len(every) - _NAMED
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def plural(number: int, noun: str) -> str:
    """Write ``1 layer`` or ``2 layers``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
