"""Pieces of Markdown, and conversion of reStructuredText to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence


def fenced(text: str, language: str = "text") -> str:
    """A block of code."""
    return f"```{language}\n{text}\n```"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; vertical bars in cells are escaped, line breaks become spaces."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def from_rst(text: str) -> Iterator[str]:
    """Convert the reStructuredText that docstrings use: code, simple tables, literals."""
    blocks = re.split(r"\n\s*\n", text.strip("\n"))
    while blocks:
        block = blocks.pop(0)
        if block.strip() == "::":
            code = []
            while blocks and blocks[0].startswith("    "):
                code.append(blocks.pop(0))
            yield fenced("\n".join(line[4:] for line in "\n\n".join(code).split("\n")), "toml")
        elif block.startswith("=="):
            yield _simple_table(block.split("\n"))
        else:
            yield block.replace("``", "`")


def _simple_table(lines: Sequence[str]) -> str:
    spans = [match.span() for match in re.finditer("=+", lines[0])]
    spans[-1] = (spans[-1][0], max(map(len, lines)))
    rules = [index for index, line in enumerate(lines) if line.startswith("==")]
    cut = [[line[low:high] for low, high in spans] for line in lines]
    heads = cut[1] if len(rules) == 3 else ["key", *[""] * (len(spans) - 1)]
    rows: list[list[str]] = []
    for cells in cut[rules[-2] + 1 : rules[-1]]:
        if cells[0].strip():
            rows.append(cells)
        else:
            rows[-1] = [f"{old} {new}" for old, new in zip(rows[-1], cells, strict=True)]
    return table(
        [head.strip() for head in heads],
        [[cell.replace("``", "`") for cell in row] for row in rows],
    )
