"""Line numbers of the keys in a TOML document, which ``tomllib`` does not report.

A document is scanned only for an error message. The scanner assumes valid TOML, because
``tomllib`` has read the text before.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

#: Keys and list indices from the top of the document, such as ``("layers", 3, "stride")``.
Place = tuple[str | int, ...]

MAX_WORDS = 40
NO_SYNONYMS: Mapping[str, str] = MappingProxyType({})

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'")
_DOT_OR_EQUALS = re.compile(r"[ \t]*[.=\]][ \t]*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?!")"{0,2}|\'\'\'.*?\'\'\'(?!\')|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]+")


def shown(value: object) -> str:
    """Quote a value of the document for a message: short, one line, no control characters."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > 128:  # Python refuses to print huge ones
        return f"an integer of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def nearest(word: str, words: Iterable[str], synonyms: Mapping[str, str] = NO_SYNONYMS) -> str:
    """Suggest the nearest valid word (``"; did you mean 'conv'?"``), or list all of them.

    Case is ignored and ``-`` equals ``_``, also in the keys of ``synonyms``.
    """
    known = sorted(words)[:MAX_WORDS]
    plain = _plain(word[:80])
    if synonyms.get(plain) in known:
        return f"; did you mean '{synonyms[plain]}'?"
    spelled = {_plain(each): each for each in known}
    close = get_close_matches(plain, spelled, n=1)
    if close:
        return f"; did you mean {shown(spelled[close[0]])}?"
    return f"; choose from {', '.join(shown(each)[1:-1] for each in known)}"


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")


def line_of(place: Place, lines: Mapping[Place, int]) -> int:
    """Return the line of a place, or of the nearest key around it."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def key_lines(text: str) -> dict[Place, int]:
    """Return the line of every key and list element of a valid TOML document.

    Parameters
    ----------
    text : str
        A document that ``tomllib`` accepts.

    Returns
    -------
    dict
        The 1-based line by place; each list element has a place of its own.
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    try:
        scanner.document()
    except (RecursionError, AttributeError, IndexError):  # a message needs no line
        return scanner.lines
    return scanner.lines


class _Scanner:
    """A cursor over the text; each method consumes one production of TOML's grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Place, int] = {}
        self.elements: dict[Place, int] = {}  # tables so far in each array of tables
        self.newlines = [match.start() for match in re.finditer("\n", text)]

    def eat(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        self.at = match.end()  # type: ignore[union-attr]  # key_lines handles invalid text
        return match.group()  # type: ignore[union-attr]

    def mark(self, place: Place) -> None:
        self.lines.setdefault(place, bisect_right(self.newlines, self.at - 1) + 1)

    def document(self) -> None:
        table: Place = ()
        while self.eat(_BLANK) is not None and self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)

    def header(self) -> Place:
        """Consume ``[a.b]`` or ``[[a.b]]``; return the place of the table that it opens."""
        double = self.text.startswith("[[", self.at)
        start, self.at = self.at, self.at + 1 + double
        keys = self.keys("]")
        self.at, end = start, self.at + double
        place: Place = ()
        for depth, key in enumerate(keys):
            place += (key,)
            self.mark(place)
            if double and depth == len(keys) - 1:
                self.elements[place] = self.elements.get(place, -1) + 1
            if place in self.elements:
                place += (self.elements[place],)
                self.mark(place)
        self.at = end
        return place

    def keys(self, end: str) -> list[str]:
        """Consume dotted keys through ``end``."""
        keys = []
        while True:
            self.eat(_BLANK)
            word = self.eat(_KEY)
            keys.append(tomllib.loads(f"x = {word}")["x"] if word[0] in "\"'" else word)
            if end in self.eat(_DOT_OR_EQUALS):
                return keys

    def pair(self, table: Place) -> None:
        start = self.at
        keys = self.keys("=")
        self.at, end = start, self.at
        for depth in range(len(keys)):
            self.mark((*table, *keys[: depth + 1]))
        self.at = end
        self.value((*table, *keys))

    def value(self, place: Place) -> None:
        opening = self.text[self.at]
        if opening in "[{":
            self.items(place, closing="]" if opening == "[" else "}")
        else:
            self.eat(_STRING if opening in "\"'" else _SCALAR)

    def items(self, place: Place, closing: str) -> None:
        """Consume the elements of a list, or the pairs of an inline table."""
        self.at += 1
        index = 0
        while self.eat(_BLANK) is not None and self.text[self.at] != closing:
            if closing == "]":
                self.mark((*place, index))
                self.value((*place, index))
            else:
                self.pair(place)
            index += 1
            self.eat(_BLANK)
            self.at += self.text[self.at] == ","
        self.at += 1
