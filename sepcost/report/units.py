"""Numbers for people: 568.7 M, 16.8 MB, 12.3 ms, 8.84×."""

from __future__ import annotations

from math import prod

from sepcost.network import ABSENT, Shape

PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
EIGHTHS = " ▏▎▍▌▋▊▉█"

_STEPS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"))


def human(value: float, unit: str = "") -> str:
    """Three digits or more and an SI prefix: 568740352 is ``568.7 M``, 4209088 is ``4.21 M``."""
    if value < 1000:
        number = f"{value:.0f}" if value == int(value) else f"{value:.1f}"
        return f"{number} {unit}".rstrip()
    scaled, step = float(value), 0
    while scaled >= 999.95 and step < len(PREFIXES) - 1:
        scaled, step = scaled / 1000, step + 1
    number = f"{scaled:.2f}" if scaled < 9.995 else f"{scaled:.1f}"
    return f"{number} {PREFIXES[step]}{unit}"


def duration(ns: float | None) -> str:
    """A time with three digits: ``12.3 ms``; ``0`` for zero, empty for None."""
    if not ns:
        return "" if ns is None else "0"
    size, unit = next(((s, u) for s, u in _STEPS if ns >= s), (1.0, "ns"))
    return f"{three_digits(ns / size)} {unit}"


def waiting(seconds: float) -> str:
    """A time to wait: ``45 s``, ``3 min``, ``1 h 20 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def three_digits(value: float) -> str:
    """``1.23``, ``12.3``, ``123``."""
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"


def times(factor: float) -> str:
    """A factor: 8.844 is ``8.84×``, 31.97 is ``32.0×``."""
    return f"{factor:.2f}×" if factor < 9.995 else f"{factor:.1f}×"


def percent(share: float) -> str:
    """A share of the whole with one decimal; small ones are ``<0.1%`` instead of 0."""
    if share >= 0.9995:
        return "100%"
    return f"{share:.1%}" if share >= 0.0005 or not share else "<0.1%"


def dims(shape: Shape) -> str:
    """``1×3×224×224``; a scalar is ``1``, an unknown shape ``?``."""
    if shape == ABSENT:
        return "?"
    return "×".join(str(d) for d in shape) or "1"


def bar(share: float, width: int) -> str:
    """A bar of ``width`` cells, in eighths; at least one eighth for any positive share."""
    eighths = min(width * 8, max(round(share * width * 8), 1 if share > 0 else 0))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (EIGHTHS[rest] if rest else "")).ljust(width)


def per_side(shape: Shape) -> str:
    """One number if all sides agree, else all of them: (2, 2) is ``2``, (1, 2) is ``1×2``."""
    return str(shape[0]) if len(set(shape)) == 1 else dims(shape)


def trivial(shape: Shape) -> bool:
    """Whether strides or dilations are all one."""
    return prod(shape) == 1
