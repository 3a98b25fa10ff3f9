"""Where it is measured: facts that the platform tells, and peaks that were measured before."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import sys
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from sepcost import atomic_file
from sepcost.latency.jobs import Runtime
from sepcost.latency.results import Machine, Peaks

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
#: "quota period" in microseconds, or "max period": cgroup v2, as containers see it.
QUOTA = Path("/sys/fs/cgroup/cpu.max")
#: File -> the text that means that turbo is on.
TURBO = {
    Path("/sys/devices/system/cpu/intel_pstate/no_turbo"): "0",
    Path("/sys/devices/system/cpu/cpufreq/boost"): "1",
}


def facts() -> Machine:
    """Describe this machine as it is now; what the platform does not tell is None."""
    return Machine(
        name=platform.node(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=_cpu(),
        cores=cores(),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        governor=_text(GOVERNOR),
        turbo=next((_text(f) == on for f, on in TURBO.items() if _text(f) is not None), None),
    )


def cores() -> int:
    """Count the cores that this process may use: its affinity, and the quota of its cgroup."""
    here = hasattr(os, "sched_getaffinity")
    allowed = len(os.sched_getaffinity(0)) if here else os.cpu_count() or 1
    quota, _, period = (_text(QUOTA) or "max").partition(" ")
    if not (quota.isdecimal() and period.isdecimal() and int(period)):
        return allowed
    return max(1, min(allowed, int(quota) // int(period)))


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None


def _cpu() -> str:
    for line in (_text(Path("/proc/cpuinfo")) or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip()
    return platform.processor() or platform.machine()


def cache_file() -> Path:
    """Return where peaks are kept: the user's cache folder, as each platform has it."""
    return _cache_folder() / "sepcost" / "peaks.json"


def _cache_folder() -> Path:
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home: in a place where nothing can be kept
        home = Path(os.devnull)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    wanted = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return wanted if wanted.is_absolute() else home / ".cache"


def read_cache(path: Path) -> dict[str, dict[str, float]]:
    """Read numbers by place and name; what is missing or damaged is left out."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {key: _numbers(kept) for key, kept in _items(found)}


def _numbers(kept: object) -> dict[str, float]:
    return {
        key: float(value)
        for key, value in _items(kept)
        if type(value) in (int, float) and 0 < value < math.inf
    }


def _items(found: object) -> list[tuple[str, Any]]:
    return list(found.items()) if isinstance(found, dict) else []


def _key(machine: Machine, runtime: Runtime) -> str:
    """Name everything that the peaks depend on."""
    options = sorted((p, sorted(o.items())) for p, o in runtime.provider_options.items())
    parts = (machine.name, machine.cpu, machine.cores, machine.onnxruntime)
    return json.dumps([*parts, runtime.providers, runtime.threads, options])


def recall(machine: Machine, runtime: Runtime, path: Path | None = None) -> Peaks | None:
    """Return what was measured before on this machine, with the same provider and threads."""
    try:
        return Peaks(**read_cache(path or cache_file())[_key(machine, runtime)])
    except (KeyError, TypeError):
        return None


def remember(machine: Machine, runtime: Runtime, peaks: Peaks, path: Path | None = None) -> None:
    """Keep peaks for the next time, the higher of each: a busy machine shows less than its best.

    A folder that cannot be written to costs only that.
    """
    path = path or cache_file()
    if known_peaks := recall(machine, runtime, path):
        pairs = zip(astuple(known_peaks), astuple(peaks), strict=True)
        peaks = Peaks(*(max(pair) for pair in pairs))
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        known = read_cache(path) | {_key(machine, runtime): asdict(peaks)}
        atomic_file.write(json.dumps(known, indent=1).encode(), path)
