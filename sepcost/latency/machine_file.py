"""The peaks of a machine in TOML: ``bench --machine`` writes them, ``analyze --on`` reads them."""

from __future__ import annotations

import json
import tomllib
from math import isfinite
from pathlib import Path
from typing import Any

from sepcost.cost.roofline import MachinePeaks
from sepcost.errors import SepcostError
from sepcost.latency.results import Bench

SCHEMA = "sepcost/machine/1"
#: The largest file that is read.
MAX_BYTES = 1 << 16
PEAKS = ("macs_per_second", "bytes_per_second", "int8_macs_per_second")


def written(bench: Bench, name: str) -> str:
    """The text of the file.

    Raises
    ------
    SepcostError
        If the peaks were not measured.
    """
    machine = bench.machine
    if machine.peaks is None:
        raise SepcostError("the peaks were not measured; add --machine")
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "name": name,
        "cpu": machine.cpu,
        "cores": machine.cores,
        "system": machine.system,
        "load": machine.load,
        "onnxruntime": machine.onnxruntime,
        "provider": bench.providers[0],
        "threads": bench.threads,
        **{key: getattr(machine.peaks, key) for key in PEAKS},
    }
    lines = [f"{key} = {_value(value)}" for key, value in values.items() if value is not None]
    return "\n".join(["# Peaks that sepcost measured, for 'sepcost analyze --on'.", *lines, ""])


def _value(value: object) -> str:
    """A TOML value: its basic strings are those of JSON."""
    return json.dumps(float(f"{value:.4g}") if isinstance(value, float) else value)


def read(path: Path) -> MachinePeaks:
    """Read the file.

    Raises
    ------
    SepcostError
        If it cannot be read, is not such a file, or a peak is missing or not a positive number.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
        found = tomllib.loads(data.decode())
    except OSError as error:
        raise SepcostError(
            f"{path}: {error.strerror}; write it on that machine with "
            "'sepcost bench --machine -o FILE.toml'"
        ) from None
    except (ValueError, RecursionError) as error:
        raise SepcostError(
            f"{path}: not valid TOML: {error}; write a machine file with "
            "'sepcost bench --machine -o FILE.toml'"
        ) from None
    if found.get("schema") != SCHEMA:
        raise SepcostError(
            f'{path}: not a machine file: expected schema = "{SCHEMA}"; write one with '
            "'sepcost bench --machine -o FILE.toml'"
        )
    peaks = {key: _peak(path, found, key) for key in PEAKS if key in found or key != PEAKS[-1]}
    name, provider, threads = found.get("name"), found.get("provider"), found.get("threads")
    return MachinePeaks(
        str(name or path.stem),
        **peaks,
        provider=str(provider or ""),
        threads=threads if isinstance(threads, int) else 0,
    )


def _peak(path: Path, found: dict[str, Any], key: str) -> float:
    value = found.get(key)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < float(value or 0) < 1e20 or not isfinite(float(value or 0)):
        raise SepcostError(f"{path}: {key} = {value!r}: expected a number above 0")
    return float(value or 0)
