"""Commands and their options as Markdown, read from the functions that typer runs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

from docs.tools.markup import fenced, table
from sepcost.cli.app import app

Parameter = tuple[str, Any, ArgumentInfo | OptionInfo, object]
HEADS = ("option", "value", "default", "description")


def commands() -> Iterator[str]:
    """One section per command."""
    for entry in app.registered_commands:
        if entry.callback is not None and not entry.hidden:
            yield from _command(entry.callback)


def _command(callback: Callable[..., Any]) -> Iterator[str]:
    parameters = list(_parameters(callback))
    arguments = [p for p in parameters if not isinstance(p[2], OptionInfo)]
    options = [p for p in parameters if isinstance(p[2], OptionInfo)]
    usage = " ".join(["sepcost", callback.__name__, "[OPTIONS]", *map(_placeholder, arguments)])
    yield f"### `{usage}`"
    yield from _prose(inspect.getdoc(callback) or "")
    for name, _, info, _ in arguments:
        if info.help:
            yield f"`{info.metavar or name.upper()}`: {info.help}"
    panels = dict.fromkeys(info.rich_help_panel or "Options" for *_, info, _ in options)
    for panel in panels:
        rows = [_row(p) for p in options if (p[2].rich_help_panel or "Options") == panel]
        yield table((panel, *HEADS[1:]), rows)


def _parameters(callback: Callable[..., Any]) -> Iterator[Parameter]:
    hints = get_type_hints(callback, include_extras=True)
    for name, parameter in inspect.signature(callback).parameters.items():
        kind, *marks = get_args(hints[name])
        info = next(mark for mark in marks if isinstance(mark, ArgumentInfo | OptionInfo))
        yield name, kind, info, parameter.default


def _placeholder(parameter: Parameter) -> str:
    name, kind, info, default = parameter
    shown = info.metavar or name.upper()
    many = "..." if any(get_origin(part) is list for part in (kind, *get_args(kind))) else ""
    optional = default is not inspect.Parameter.empty and not shown.startswith("[")
    return f"[{shown}]{many}" if optional else f"{shown}{many}"


def _row(parameter: Parameter) -> tuple[str, str, str, str]:
    name, kind, info, default = parameter
    flag = bool in (kind, *get_args(kind))
    long = f"--{name.strip('_').replace('_', '-')}"
    decls = _spellings(info) or ((f"{long}/--no-{long[2:]}",) if flag else (long,))
    spelled = ", ".join(f"`{decl}`" for decl in decls)
    return spelled, "" if flag else _value(kind, info), _default(info, default), info.help or ""


def _spellings(info: ArgumentInfo | OptionInfo) -> tuple[str, ...]:
    """Within Annotated, typer keeps the first spelling as the default until it runs."""
    first = info.default if isinstance(info.default, str) else ""
    return tuple(filter(None, (first, *(info.param_decls or ()))))


def _value(kind: Any, info: ArgumentInfo | OptionInfo) -> str:
    if info.metavar:
        return f"`{info.metavar}`"
    (enum,) = [each for each in (kind, *get_args(kind)) if inspect.isclass(each)][:1]
    return ", ".join(f"`{m.value}`" for m in enum) if issubclass(enum, Enum) else enum.__name__


def _default(info: ArgumentInfo | OptionInfo, default: object) -> str:
    if isinstance(info.show_default, str):
        return info.show_default
    if default is None or default is False or default is inspect.Parameter.empty:
        return ""
    shown = default.value if isinstance(default, Enum) else default
    return "on" if shown is True else f"`{shown}`"


def _prose(text: str) -> Iterator[str]:
    """Paragraphs as prose; paragraphs of examples as code blocks."""
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("[bold]"):
            yield fenced(re.sub(r"\[(bold|/)\]", "", paragraph))
        else:
            yield paragraph
