"""Generate docs/analyze.svg, a real run in a terminal: ``python -m docs.tools.picture``."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

TARGET = Path(__file__).parents[1] / "analyze.svg"
COMMAND = "sepcost analyze vgg16 --only eligible --sort saving --top 10"
WIDTH = 84
#: Replaces the web font that Rich would make the reader fetch.
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def screen() -> str:
    """The coloured output of the command in a terminal of that width."""
    terminal = {"COLUMNS": str(WIDTH), "FORCE_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | terminal
    command = [sys.executable, "-m", "sepcost", *shlex.split(COMMAND)[1:]]
    done = subprocess.run(
        command, env=environment, capture_output=True, check=True, encoding="utf-8"
    )
    return done.stdout


def picture(shown: str) -> str:
    """Draw the output below its prompt; the same text always gives the same file."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), COMMAND), "\n", sep="", end="")
    console.print(Text.from_ansi(shown))
    drawn = console.export_svg(title="sepcost", theme=MONOKAI, unique_id="sepcost")
    bare = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    return bare.replace("Fira Code, monospace", FONTS)


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(picture(screen()), encoding="utf-8")
