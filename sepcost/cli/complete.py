"""Shell completion: shipped networks, and model files in the working folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

#: Shells split and expand other names; completing those is left to the shell.
PLAIN = re.compile(r"[\w@%+,.=-]+", re.ASCII)
MODELS = frozenset({".onnx", ".toml"})
MOST_FILES = 1000

Offers = list[tuple[str, str]]


def network(incomplete: str) -> Offers:
    """Shipped networks that start with ``incomplete``, with their descriptions."""
    from sepcost.model.spec.shipped import networks

    return [(n.name, n.description) for n in networks() if n.name.startswith(incomplete)]


def source(incomplete: str) -> Offers:
    """Shipped networks, and the models, specs and folders in the working folder.

    An empty list leaves completion to the shell, which is better at paths.
    """
    if "/" in incomplete or "\\" in incomplete:
        return []
    here = sorted(_nearby(incomplete))
    models = [*network(incomplete), *((name, "file") for name in here if not name.endswith("/"))]
    folders = [(name, "folder") for name in here if name.endswith("/")]
    return [*models, *folders] if models else []


def _nearby(incomplete: str) -> Iterator[str]:
    try:
        entries = [entry for _, entry in zip(range(MOST_FILES), Path().iterdir(), strict=False)]
    except OSError:
        return
    for entry in entries:
        hidden = entry.name.startswith(".") and not incomplete
        if not entry.name.startswith(incomplete) or hidden or not PLAIN.fullmatch(entry.name):
            continue
        if entry.is_dir():
            yield f"{entry.name}/"
        elif entry.suffix.lower() in MODELS:
            yield entry.name
