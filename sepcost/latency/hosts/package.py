"""The worker as one file that Python runs: the modules it imports, and nothing else of sepcost."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import sepcost

#: Without onnx, typer and the like. A test runs the package where these are missing.
MODULES = (
    "__init__", "atomic_file", "errors", "network", "model/__init__", "model/dtypes",
    "latency/__init__", "latency/inputs", "latency/jobs", "latency/machine", "latency/ort_errors",
    "latency/peak_memory", "latency/peaks", "latency/plugins", "latency/profiles",
    "latency/providers", "latency/results", "latency/runtime", "latency/stats", "latency/turns",
    "latency/wire", "latency/worker",
)  # fmt: skip
MAIN = "from sepcost.latency.worker import main\n\nmain()\n"
THEN = (1980, 1, 1, 0, 0, 0)  # the same content always has the same hash


def packed() -> bytes:
    """Return the package."""
    root = Path(sepcost.__file__).parent
    texts = {f"sepcost/{name}.py": (root / f"{name}.py").read_bytes() for name in MODULES}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**texts, "__main__.py": MAIN.encode()}.items():
            archive.writestr(zipfile.ZipInfo(name, THEN), text, zipfile.ZIP_DEFLATED)
    return file.getvalue()
