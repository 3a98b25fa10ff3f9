"""Another machine in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from sepcost.cost.words import plural
from sepcost.latency.host_setup import Checked
from sepcost.report.drawing import Line, compose
from sepcost.report.text import terminal
from sepcost.report.view import View

WIDE = 12


def render(found: Checked, view: View) -> str:
    """One fact per line; versions that differ from those here say so."""
    lines = [
        Line(((terminal(text), ""),), (f"{name:{WIDE}}", "dim")) for name, text in _facts(found)
    ]
    return compose(lines, view.screen)


def _facts(found: Checked) -> Iterator[tuple[str, str]]:
    machine = found.machine
    yield "host", f"{machine.host} ({machine.name}, {machine.system})"
    load = f", load {machine.load:.1f}" if machine.load is not None else ""
    yield "CPU", f"{machine.cpu}, {plural(machine.cores, 'core')}{load}"
    yield "governor", machine.governor or "not reported"
    if machine.turbo is not None:
        yield "turbo", "on" if machine.turbo else "off"
    degrees = machine.temperature
    yield "temperature", f"{degrees:.0f} °C" if degrees is not None else "not reported"
    for name, there in found.versions.items():
        here = found.here.get(name, there)
        yield name, there if here == there else f"{there} ({here} here)"
    yield "providers", ", ".join(found.providers)
