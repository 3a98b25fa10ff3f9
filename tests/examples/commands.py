"""The commands of a README, run as a reader would run them but with short measurements."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"(<!-- \w+ -->\n+)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code. Marked blocks install or test the checkout; tests do not run them."""

    language: str
    text: str
    marked: bool = False


@dataclass(frozen=True)
class Command:
    """One line to type, and the output that the page shows."""

    line: str
    shown: tuple[str, ...] = ()


def blocks(path):
    found = FENCE.findall(path.read_text(encoding="utf-8"))
    return [Block(language, text, bool(mark)) for mark, language, text in found]


def commands(path):
    """All commands of a page in order; a block with only output belongs to the command before."""
    found = []
    for block in blocks(path):
        if block.marked or block.language not in {"sh", "console"}:
            continue
        lines = block.text.replace("\\\n", " ").splitlines()
        if block.language == "sh":
            found += [Command(line) for line in lines if line.strip()]
            continue
        for line in lines:
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            elif line.strip() and line != "…":
                last = found.pop()
                found.append(Command(last.line, (*last.shown, line.rstrip())))
    return found


def tools(folder):
    """Write programs ``sepcost`` and ``python`` that run this code and measure briefly."""
    short = Path(__file__).with_name("short.py")
    for name, how in {"sepcost": "sepcost", "python": "script"}.items():
        tool = folder / name
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{short}" {how} "$@"\n')
        tool.chmod(0o755)


def run(line, folder, bin_folder, columns=80):
    """Run a line in bash, in a terminal of so many columns."""
    environment = os.environ | {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": str(columns),
        "PYTHONIOENCODING": "utf-8",
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line], cwd=folder, env=environment,
        capture_output=True, encoding="utf-8", timeout=280, check=False,
    )  # fmt: skip
