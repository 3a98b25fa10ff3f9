"""A ``Page`` as one HTML file that needs only a browser.

Names come from models and are untrusted. They reach the page only in two ways: through Jinja's
autoescape, or as JSON in a script element that browsers do not execute and that the page's script
turns into text nodes. A content security policy allows only the page's two scripts, by their
hashes, and no request.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from sepcost import __version__
from sepcost.report.html.parts import Page
from sepcost.report.text import terminal

HERE = files("sepcost.report.html")
STYLES = ("tokens.css", "page.css", "table.css")
SCRIPTS = ("format.js", "dom.js", "table.js", "theme.js", "bars.js", "points.js", "page.js")
PLOTLY = "plotly-basic.min.js"
#: Kinds of sections that need no plotly.
UNDRAWN = frozenset({"table", "list"})
#: JSON escapes for characters that end a script, start a comment or break a line of JavaScript.
ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def render(page: Page) -> str:
    """Write the page."""
    drawn = any(s.kind not in UNDRAWN for part in page.parts for s in part.sections)
    scripts = [_vendored(), _script()] if drawn else [_script()]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            version=__version__,
            policy=_policy(scripts),
            style=Markup(_static(STYLES)),
            scripts=[Markup(script) for script in scripts],
            data=Markup(embed(_data(page))),
        )
    )


def embed(data: object) -> str:
    """JSON for a script element: without ``<``, ``>`` and ``&``."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).translate(ESCAPES)


def _data(page: Page) -> dict[str, Any]:
    """The data of the page's script; the template writes the lists."""
    return {
        section.id: {"kind": section.kind, "data": section.data}
        for part in page.parts
        for section in part.sections
        if section.kind != "list"
    }


def _policy(scripts: list[str]) -> str:
    """Nothing is loaded and nothing is sent; plotly writes its own styles and images."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _vendored() -> str:
    return (HERE / "vendor" / PLOTLY).read_text("utf-8")


def _script() -> str:
    return f'"use strict";\n(() => {{\n{_static(SCRIPTS)}}})();\n'


@cache
def _static(names: tuple[str, ...]) -> str:
    return "".join((HERE / "static" / name).read_text("utf-8") for name in names)


@cache
def _environment() -> Environment:
    def source(name: str) -> str:
        return (HERE / "templates" / name).read_text("utf-8")

    made = Environment(
        loader=FunctionLoader(source), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters["shown"] = terminal
    return made
