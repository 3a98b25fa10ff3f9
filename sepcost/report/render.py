"""A result as text, from Python: the formats of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sepcost.errors import SepcostError
from sepcost.report.formats import FORMATS, renderer
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.budget.results import Check
    from sepcost.cost.analysis import Analysis
    from sepcost.cost.diff import Diff
    from sepcost.cost.ranges import CostRange
    from sepcost.cost.symbolic import Symbolic
    from sepcost.latency.results import Bench
    from sepcost.separable.conversion import Conversion

#: Class of a result -> the folder of its formats, most named after the command that makes it.
COMMANDS = {
    "Analysis": "analyze",
    "Bench": "bench",
    "Check": "check",
    "Conversion": "convert",
    "CostRange": "ranges",
    "Diff": "diff",
    "Symbolic": "symbolic",
}

#: Those whose formats take several results.
SEVERAL = frozenset({"analyze", "ranges", "symbolic"})


def render(
    result: (
        Analysis | Sequence[Analysis] | Bench | Check | Conversion | CostRange | Diff | Symbolic
    ),
    format_: str = "markdown",
    *,
    top: int | None = None,
) -> str:
    """Write a result as text, in a format of the command that makes it.

    Parameters
    ----------
    result
        What ``analyze``, ``bench``, ``check``, ``convert``, ``cost_range``, ``diff`` or
        ``symbolic`` returned, or several analyses.
    format_
        A value of the command's ``--format``, such as ``html`` or ``csv``.
    top
        Show only this many rows; 0 for all. Default: the format decides.

    Raises
    ------
    SepcostError
        If the command has no such format.

    Examples
    --------
    >>> import sepcost
    >>> print(sepcost.render(sepcost.analyze("small-cnn"), top=1).splitlines()[0])
    **`small-cnn`: 10.6 M MACs, 356.8 k params; 6.84× fewer MACs if separable**
    """
    many = list(result) if isinstance(result, Sequence) else [result]
    command = COMMANDS[type(many[0]).__name__]
    if format_ not in FORMATS[command]:
        known = ", ".join(FORMATS[command])
        raise SepcostError(f"{command} has no format {format_!r}; choose from {known}")
    return renderer(command, format_)(many if command in SEVERAL else result, View(top=top))
