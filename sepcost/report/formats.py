"""Every format of every command: ``sepcost.report.<command>.<format>`` has a ``render``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from sepcost.report.view import View

Render = Callable[[Any, View], str]

FORMATS: Mapping[str, tuple[str, ...]] = {
    "analyze": ("table", "json", "csv", "markdown", "html", "netron"),
    "bench": ("table", "json", "csv", "markdown", "html", "samples"),
    "check": ("table", "json", "markdown", "junit", "sarif", "github", "gitlab", "html"),
    "convert": ("table", "json", "csv", "markdown", "html"),
    "diff": ("table", "json", "markdown", "html"),
    "host": ("table", "json"),
    "hosts": ("table", "json", "csv", "markdown"),
    "memory": ("table", "json", "csv", "markdown", "html"),
    "networks": ("table",),
    "providers": ("table", "json"),
    "ranges": ("table", "json", "csv", "markdown", "html"),
    "report": ("html",),
    "roofline": ("table", "json", "markdown", "html"),
    "symbolic": ("table", "json", "csv", "markdown", "html"),
}


def renderer(command: str, format_: str) -> Render:
    """Import only the function that writes a result of ``command`` as ``format_``."""
    if format_ not in FORMATS[command]:
        raise KeyError(f"{command} has no format {format_}")
    render: Render = import_module(f"sepcost.report.{command}.{format_}").render
    return render
