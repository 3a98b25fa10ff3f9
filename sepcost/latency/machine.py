"""The machine: facts from the platform, and the cache of measured peaks."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from sepcost import atomic_file
from sepcost.latency.jobs import Runtime
from sepcost.latency.results import Machine, Peaks

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
#: "quota period" in microseconds, or "max period": cgroup v2, as containers see it.
QUOTA = Path("/sys/fs/cgroup/cpu.max")
#: File -> its text when turbo is on.
TURBO = {
    Path("/sys/devices/system/cpu/intel_pstate/no_turbo"): "0",
    Path("/sys/devices/system/cpu/cpufreq/boost"): "1",
}
#: Thousandths of a degree.
TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")
#: The peaks in the cache; entries without one of them are measured anew.
PEAKS = [field.name for field in fields(Peaks)]


def facts() -> Machine:
    """Describe this machine now; facts that the platform does not report are None."""
    return Machine(
        name=platform.node(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=_cpu(),
        cores=cores(),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        governor=_text(GOVERNOR),
        turbo=next((_text(f) == on for f, on in TURBO.items() if _text(f) is not None), None),
        temperature=_temperature(),
    )


def _temperature() -> float | None:
    text = _text(TEMPERATURE) or ""
    return int(text) / 1000 if text.isdecimal() else None


def cores() -> int:
    """Count the cores that this process may use, by its affinity and its cgroup's quota."""
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
    """Return the file of cached peaks, in the platform's cache folder."""
    return _cache_folder() / "sepcost" / "peaks.json"


def _cache_folder() -> Path:
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home: nothing can be cached
        home = Path(os.devnull)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    wanted = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return wanted if wanted.is_absolute() else home / ".cache"


def read_cache(path: Path) -> dict[str, dict[str, float]]:
    """Read cached numbers; missing or damaged entries are left out."""
    try:
        cached = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {key: _numbers(kept) for key, kept in _items(cached)}


def _numbers(kept: object) -> dict[str, float]:
    return {
        key: float(value)
        for key, value in _items(kept)
        if type(value) in (int, float) and 0 < value < math.inf
    }


def _items(cached: object) -> list[tuple[str, Any]]:
    return list(cached.items()) if isinstance(cached, dict) else []


def _key(machine: Machine, runtime: Runtime) -> str:
    """Everything that the peaks depend on."""
    options = sorted((p, sorted(o.items())) for p, o in runtime.provider_options.items())
    parts = [machine.name, machine.cpu, machine.cores, machine.onnxruntime]
    parts += [machine.host] if machine.host else []
    return json.dumps([PEAKS, *parts, runtime.providers, runtime.threads, options])


def recall(machine: Machine, runtime: Runtime, path: Path | None = None) -> Peaks | None:
    """Return the cached peaks of this machine with the same provider and threads."""
    try:
        return Peaks(**read_cache(path or cache_file())[_key(machine, runtime)])
    except (KeyError, TypeError):
        return None


def remember(machine: Machine, runtime: Runtime, peaks: Peaks, path: Path | None = None) -> None:
    """Cache peaks, keeping the higher values, as a busy machine measures less than its best.

    If the cache cannot be written, nothing is kept.
    """
    path = path or cache_file()
    if known_peaks := recall(machine, runtime, path):
        peaks = Peaks(
            max(known_peaks.macs_per_second, peaks.macs_per_second),
            max(known_peaks.bytes_per_second, peaks.bytes_per_second),
            max(known_peaks.int8_macs_per_second or 0, peaks.int8_macs_per_second or 0) or None,
        )
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        known = read_cache(path) | {_key(machine, runtime): asdict(peaks)}
        atomic_file.write(json.dumps(known, indent=1).encode(), path)
