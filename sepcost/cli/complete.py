"""What the shell offers while a person types: shipped networks, and model files nearby."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

#: Shells split and expand what they are offered; names beyond these are left to their own ways.
PLAIN = re.compile(r"[\w@%+,.=-]+", re.ASCII)
MODELS = frozenset({".onnx", ".toml"})
MOST_FILES = 1000

Offers = list[tuple[str, str]]


def network(incomplete: str) -> Offers:
    """Shipped networks that begin so, each with what it is."""
    from sepcost.model.spec.shipped import networks

    return [(n.name, n.description) for n in networks() if n.name.startswith(incomplete)]


def source(incomplete: str) -> Offers:
    """Shipped networks, and the models, specs and folders here.

    An empty list leaves it to the shell, which completes paths better than we do.
    """
    if "/" in incomplete or "\\" in incomplete:
        return []
    here = sorted(_nearby(incomplete))
    found = [*network(incomplete), *((name, "file") for name in here if not name.endswith("/"))]
    return [*found, *((name, "folder") for name in here if name.endswith("/"))] if found else []


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
