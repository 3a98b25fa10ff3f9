"""The capabilities of the terminal, pipe or file that a table is written to."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass

#: A pipe has no width: this is wide enough for every column, so that scripts find all of them,
#: unless ``COLUMNS`` is set.
PIPED_WIDTH = 160
NARROWEST = 40


@dataclass(frozen=True, slots=True)
class Screen:
    """The width in characters, and whether a person reads it."""

    width: int = PIPED_WIDTH
    colour: bool = False
    bars: bool = False
    terminal: bool = False


def screen(to_file: bool) -> Screen:
    """Look at stdout and at COLUMNS, NO_COLOR, FORCE_COLOR and TERM."""
    terminal = not to_file and sys.stdout.isatty()
    capable = terminal and os.environ.get("TERM") != "dumb"
    forced = bool(os.environ.get("FORCE_COLOR")) and not to_file
    blocks = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    return Screen(
        width=max(NARROWEST, _width(terminal)),
        colour=(capable or forced) and not os.environ.get("NO_COLOR"),
        bars=(capable or forced) and blocks,
        terminal=terminal,
    )


def _width(terminal: bool) -> int:
    if terminal:
        return shutil.get_terminal_size().columns
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) else PIPED_WIDTH
