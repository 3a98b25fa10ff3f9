"""What is replayed: the seeds of a target, and what once broke it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.targets import TARGETS

FINDINGS = Path(__file__).parent / "findings"


def entries(name: str) -> Iterator[tuple[str, bytes]]:
    """Yield a label and the bytes of everything that a target is replayed with."""
    for number, data in enumerate(TARGETS[name].seeds()):
        yield f"seed {number}", data
    for path in sorted((FINDINGS / name).glob("*")):
        yield path.name, path.read_bytes()
