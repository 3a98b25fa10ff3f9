"""Text from models is untrusted: how it is escaped for a terminal, Markdown or a spreadsheet.

A node name can contain anything: escape sequences, bidirectional overrides, HTML, formulas. Every
report escapes the text of a model with the function for its medium. (JSON escapes by itself.)
"""

from __future__ import annotations

import re

from sepcost.errors import printable

#: Characters that start a formula in a spreadsheet, half and full width.
FORMULA = tuple("=+-@＝＋－＠")

#: Words and numbers without Markdown syntax.
PLAIN_WORDS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ,×]|\.(?=\d)|:(?= ))*")


def terminal(text: str) -> str:
    """Show unprintable characters, such as ESC or a bidi override, as Python escapes."""
    return printable(text)


def code(text: str) -> str:
    """Put text into a Markdown code span, which cannot contain HTML, links or mentions.

    The two characters that could end the span or the table cell are escaped.
    """
    shown = terminal(text).replace("`", r"\x60").replace("|", r"\x7c")
    return f"`{shown}`" if shown else ""


def markdown(text: str) -> str:
    """Leave plain words unchanged, and put other text into a code span."""
    return text if PLAIN_WORDS.fullmatch(text) else code(text)


def csv(text: str) -> str:
    """Escape unprintable characters, and quote what a spreadsheet would read as a formula."""
    shown = terminal(text)
    return f"'{shown}" if shown.lstrip().startswith(FORMULA) else shown


def shorten(text: str, width: int) -> str:
    """Cut the middle out of a text longer than ``width``; names differ at the end, so keep more."""
    if len(text) <= width:
        return text
    head = (width - 1) // 3
    tail = width - 1 - head
    return f"{text[:head]}…{text[len(text) - tail :]}"
