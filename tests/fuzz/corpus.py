"""The corpus that is replayed: the seeds of a target and the inputs that once broke it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.targets import TARGETS

FINDINGS = Path(__file__).parent / "findings"


def entries(name: str) -> Iterator[tuple[str, bytes]]:
    """Yield a label and the bytes of each entry in the corpus of a target."""
    for number, data in enumerate(TARGETS[name].seeds()):
        yield f"seed {number}", data
    for path in sorted((FINDINGS / name).glob("*")):
        yield path.name, path.read_bytes()
