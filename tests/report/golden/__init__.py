"""Whole screens, as a person sees them. SEPCOST_OVERWRITE=1 writes them anew; read the diff."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent


def compare(name, text):
    path = FOLDER / f"{name}.txt"
    if os.environ.get("SEPCOST_OVERWRITE"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
