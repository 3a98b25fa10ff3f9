"""Three kinds of charts as plain SVG strings, without a library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, LEFT, RIGHT, TOP, STEP = 820, 230, 150, 66, 22
INK, FAINT, PAPER = "#1f2328", "#8b949e", "#ffffff"
COLOURS = ("#2f6db5", "#d1711f", "#3f8f5f", "#b5413e", "#7a5aa6", "#6e7681")
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:" + INK + "}"
    ".title{font-size:15px;font-weight:600}.faint{fill:" + FAINT + ";font-size:12px}"
    ".head{font-weight:600}.head,.faint{paint-order:stroke;stroke:" + PAPER + ";stroke-width:5px}"
)

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Whisker:
    """A value with its range; a row without a value is a heading."""

    label: str
    spread: Sequence[float] = ()  # minimum, median, maximum
    shown: str = ""
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Spread:
    """A point with its range in y."""

    x: float
    y: Sequence[float]  # minimum, median, maximum
    label: str = ""


def whiskers(title: str, axis: str, rows: Sequence[Whisker]) -> str:
    """Draw one row per value on a logarithmic axis with a line at 1."""
    ends = [value for row in rows for value in row.spread]
    x = logarithmic(min([*ends, 1.0]), max([*ends, 1.0]))
    bottom = TOP + STEP * len(rows)
    parts = [*_ticks(x, min([*ends, 1.0]), max([*ends, 1.0]), bottom)]
    for number, row in enumerate(rows):
        y = TOP + STEP * (number + 0.5)
        if not row.spread:
            parts.append(_text(14, y + 4, row.label, "head"))
            parts.append(_text(LEFT, y + 4, row.shown, "faint"))
            continue
        low, middle, high = (x(value) for value in row.spread)
        colour = COLOURS[row.colour % len(COLOURS)]
        parts += [
            _text(26, y + 4, row.label),
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" stroke="{colour}" '
            'stroke-width="3" stroke-linecap="round"/>',
            f'<circle cx="{middle:.1f}" cy="{y}" r="5" fill="{colour}"/>',
            _text(WIDTH - RIGHT + 16, y + 4, row.shown),
        ]
    return _page(title, axis, bottom, parts)


def stacked(title: str, axis: str, rows: Mapping[str, Mapping[str, int]]) -> str:
    """Draw one bar per row, divided by kind; the first row gives the kinds."""
    kinds = list(next(iter(rows.values())))
    most = max(sum(row.values()) for row in rows.values())
    parts = []
    for number, (label, row) in enumerate(rows.items()):
        y, at = TOP + STEP * number * 1.4, float(LEFT)
        parts.append(_text(14, y + 16, label))
        for place, kind in enumerate(kinds):
            wide = (WIDTH - RIGHT - LEFT) * row[kind] / most
            parts.append(
                f'<rect x="{at:.1f}" y="{y}" width="{wide:.1f}" height="{STEP}" '
                f'fill="{KINDS[place % len(KINDS)]}"><title>{escape(kind)}: {row[kind]}</title>'
                "</rect>"
            )
            at += wide
        parts.append(_text(at + 8, y + 16, " / ".join(str(row[kind]) for kind in kinds)))
    bottom = int(TOP + STEP * 1.4 * len(rows))
    return _page(title, axis, bottom, [*parts, *_legend(kinds, KINDS, bottom + 20)], 24)


#: From exact to no count.
KINDS = ("#3f8f5f", "#9ccbaa", "#b5413e", "#c9ced6")


def scatter(title: str, axes: tuple[str, str], series: Mapping[str, Sequence[Spread]]) -> str:
    """Draw points with their ranges in y; lines join the points of a series."""
    points = [point for each in series.values() for point in each]
    tall, left = 340, 60
    least, most = min(0.0, *(p.y[0] for p in points)), max(p.y[2] for p in points) or 1.0
    right, far = WIDTH - 20, max(p.x for p in points) * 1.05

    def x(value: float) -> float:
        return left + (right - left) * (value - 1) / max(far - 1, 0.1)

    def y(value: float) -> float:
        return TOP + tall * (most - value) / (most - least)

    parts = [_grid(left, right, y(value), f"{value:g}") for value in _steps(least, most)]
    for value in _steps(1, far):
        parts += [_text(x(value) - 8, TOP + tall + 18, f"{value:g}×", "faint")]
    for number, each in enumerate(series.values()):
        colour = COLOURS[number % len(COLOURS)]
        ordered = sorted(each, key=lambda p: p.x)
        path = " ".join(f"{x(p.x):.1f},{y(p.y[1]):.1f}" for p in ordered)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" opacity="0.5"/>')
        parts += [_point(p, (x(p.x), *map(y, p.y)), colour) for p in ordered]
    bottom = TOP + tall + 24
    legend = _legend(list(series), COLOURS, bottom + 16)
    return _page(title, f"{axes[1]}, by {axes[0]}", bottom, [*parts, *legend], 24)


def _point(point: Spread, at: tuple[float, ...], colour: str) -> str:
    x, low, middle, high = at
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}"/>'
        f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="4" fill="{colour}">'
        f"<title>{escape(point.label)}</title></circle>"
    )


def logarithmic(low: float, high: float) -> Scale:
    """Return the position of a value on a logarithmic axis between the labels."""
    first, last = log10(low) - 0.04, log10(high) + 0.04
    return lambda v: LEFT + (WIDTH - RIGHT - LEFT) * (log10(v) - first) / (last - first)


def _ticks(x: Scale, low: float, high: float, bottom: float) -> list[str]:
    ticks = []
    wide = log10(high / low) > 1.2
    for power in range(floor(log10(low)), ceil(log10(high)) + 1):
        for digit in (1,) if wide else (1, 2, 5):
            value = digit * 10.0**power
            if not low <= value <= high:
                continue
            stroke = INK if value == 1 else "#d8dee4"
            ticks.append(
                f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{TOP - 4}" y2="{bottom}" '
                f'stroke="{stroke}"/>' + _text(x(value) - 8, TOP - 10, f"{value:g}", "faint")
            )
    return ticks


def _steps(low: float, high: float) -> list[float]:
    """Return about five round numbers between two ends."""
    raw = (high - low) / 5 or 1.0
    unit = 10.0 ** floor(log10(raw))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= raw)
    return [step * k for k in range(ceil(low / step), floor(high / step) + 1)]


def _grid(left: float, right: float, y: float, label: str) -> str:
    line = f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d8dee4"/>'
    return line + _text(12, y + 4, label, "faint")


def _legend(names: Sequence[str], colours: Sequence[str], y: float) -> list[str]:
    entries, at = [], 14.0
    for number, name in enumerate(names):
        colour = colours[number % len(colours)]
        entries.append(f'<circle cx="{at + 5}" cy="{y}" r="5" fill="{colour}"/>')
        entries.append(_text(at + 16, y + 4, name))
        at += 40 + 7.2 * len(name)
    return entries


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named}>{escape(text)}</text>'


def _page(title: str, axis: str, bottom: float, parts: Sequence[str], more: int = 0) -> str:
    height = bottom + 18 + more
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height:.0f}" rx="6" fill="{PAPER}"/>',
        _text(14, 24, title, "title"),
        _text(14, 42, axis, "faint"),
        *parts,
        "</svg>\n",
    ])  # fmt: skip
