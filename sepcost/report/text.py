"""Text from models is untrusted: how it reaches a terminal, Markdown or a spreadsheet.

A node may be named anything: an escape sequence, bidirectional overrides, HTML, a formula. Each
report picks the function for its medium here, and no text from a model goes round them. (JSON
escapes by itself.)
"""

from __future__ import annotations

import re

from sepcost.errors import printable

#: What makes a spreadsheet read a cell as a formula, in both widths that they accept.
FORMULA = tuple("=+-@＝＋－＠")

#: Words and numbers in which Markdown sees nothing of its own.
PLAIN_WORDS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ,×]|\.(?=\d)|:(?= ))*")


def terminal(text: str) -> str:
    """Show what does not print, such as ESC or a bidi override, as its Python escape."""
    return printable(text)


def code(text: str) -> str:
    """Put text into a Markdown code span, where neither HTML, links nor mentions exist.

    The two characters that could end the span or the table cell are shown as their escapes.
    """
    shown = terminal(text).replace("`", r"\x60").replace("|", r"\x7c")
    return f"`{shown}`" if shown else ""


def markdown(text: str) -> str:
    """Leave plain words alone, and put all other text into a code span."""
    return text if PLAIN_WORDS.fullmatch(text) else code(text)


def csv(text: str) -> str:
    """Show what does not print as its escape, and keep a spreadsheet from reading a formula."""
    shown = terminal(text)
    return f"'{shown}" if shown.lstrip().startswith(FORMULA) else shown


def shorten(text: str, width: int) -> str:
    """Cut the middle out of a text longer than ``width``; names differ at the end, so keep more."""
    if len(text) <= width:
        return text
    head = (width - 1) // 3
    tail = width - 1 - head
    return f"{text[:head]}…{text[len(text) - tail :]}"
