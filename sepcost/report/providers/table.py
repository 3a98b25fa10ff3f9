"""The execution providers in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.latency.survey import ProviderInfo
from sepcost.report.columns import Column
from sepcost.report.drawing import Line, Part, compose, styled, table
from sepcost.report.text import terminal
from sepcost.report.view import View


def _columns(host: str | None) -> tuple[Column[ProviderInfo], ...]:
    usable = f"usable on {terminal(host)}" if host else "usable here"
    return (
        Column(usable, lambda p: p.name, 0, False, True, "name"),
        Column("devices", lambda p: ", ".join(p.devices), 1, False, True),
    )


def render(providers: Sequence[ProviderInfo], view: View) -> str:
    """The usable providers, then how to get the others."""
    usable = [each for each in providers if each.usable]
    others = [each for each in providers if not each.usable]
    parts: list[Part] = [table(_columns(providers[0].host), usable, view.screen)]
    if others:
        wide = max(len(each.name) for each in others)
        parts += [
            "\n",
            styled(f"{'other':{wide}}  how to get it, or why it is unavailable", "bold"),
        ]
        parts += [Line(((each.get, ""),), (f"{each.name:{wide}}  ", "")) for each in others]
    return compose(parts, view.screen)
