"""The kinds of results of ``analyze``: layers, a range of sizes, polynomials, an arena, a roofline.

Each kind has a folder of formats in ``report/``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sepcost.cli import parse
from sepcost.cost.analysis import Analysis
from sepcost.errors import SepcostError
from sepcost.report.formats import FORMATS

if TYPE_CHECKING:
    from sepcost.cost.ranges import Bindings, CostRange
    from sepcost.cost.roofline import MachinePeaks, Roofline
    from sepcost.cost.symbolic import Symbolic

    Result = Analysis | CostRange | Symbolic

#: What errors call the kinds that have no rows of layers.
WORDS = {
    "ranges": "a range of sizes",
    "symbolic": "--symbolic",
    "memory": "--memory",
    "roofline": "--on",
}


def kind(symbolic: bool, memory: bool, on: Path | None) -> str:
    """The kind that the options ask for.

    Raises
    ------
    SepcostError
        If they ask for several.
    """
    asked = {"symbolic": symbolic, "memory": memory, "roofline": on is not None}
    kinds = [kind for kind, is_asked in asked.items() if is_asked]
    if len(kinds) > 1:
        raise SepcostError("--symbolic, --memory and --on cannot be combined; give only one")
    return kinds[0] if kinds else "analyze"


def binds(given: Sequence[str], symbolic: bool) -> Sequence[Bindings]:
    """The sizes of --bind: with --symbolic, those of dimensions that are not free."""
    if not symbolic:
        return parse.sweep(given)
    reason = "with --symbolic, give one size or leave the dimension free"
    return (parse.binding(given, reason, elsewhere=False),)


def refuse_rows(kind: str, format_: str, of_rows: object) -> None:
    """Refuse options and formats that only rows of layers have.

    Raises
    ------
    SepcostError
        If there are any.
    """
    what = WORDS.get(kind)
    if what is None:
        return
    if of_rows:
        raise SepcostError(
            f"{what} cannot be combined with --by, --depth, --only, --sort, --netron or --conv"
        )
    if format_ not in FORMATS[kind]:
        raise SepcostError(f"--format {format_}: {what} has only {', '.join(FORMATS[kind])}")


def route(kind: str) -> Callable[..., tuple[Any, ...]]:
    """Import only the route that is needed."""
    if kind == "ranges":
        from sepcost.routes.ranges import cost_ranges

        return cost_ranges
    if kind == "symbolic":
        from sepcost.routes.symbolic import symbolics

        return symbolics
    from sepcost.routes.analyze import sweep

    return sweep


def peaks(on: Path | None) -> MachinePeaks | None:
    """Read the peaks of --on."""
    if on is None:
        return None
    from sepcost.latency.machine_file import read

    return read(on)


def on_machine(machine: MachinePeaks, analyses: Sequence[Result]) -> list[Roofline]:
    """The shortest time of each model on a machine."""
    from sepcost.cost.roofline import roofline

    return [roofline(each, machine) for each in analyses if isinstance(each, Analysis)]
