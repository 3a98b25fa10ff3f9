"""Help without what typer's help imports but never uses here: that takes a quarter of its time."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from types import ModuleType

#: Modules of rich and what typer imports from them: for help in Markdown, and for tracebacks.
UNUSED: Mapping[str, str] = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}


def import_help() -> None:
    """Import typer's help with empty classes in place of ``UNUSED``, which stay importable.

    If typer needs more of them, its help is imported as usual when it is shown.
    """
    absent = [name for name in UNUSED if name not in sys.modules]
    for name in absent:
        module = sys.modules[name] = ModuleType(name)
        setattr(module, UNUSED[name], type(UNUSED[name], (), {}))
    try:
        with suppress(ImportError):
            import typer.rich_utils  # noqa: F401 - slow
    finally:
        for name in absent:
            del sys.modules[name]
