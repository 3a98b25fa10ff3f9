"""Where it is measured: facts that the platform tells, and peaks that were measured before."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict, astuple
from pathlib import Path

from sepcost.latency.jobs import Runtime
from sepcost.latency.results import Machine, Peaks

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
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
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "sepcost" / "peaks.json"


def _key(machine: Machine, runtime: Runtime) -> str:
    """Name everything that the peaks depend on."""
    options = sorted((p, sorted(o.items())) for p, o in runtime.provider_options.items())
    parts = (machine.name, machine.cpu, machine.cores, machine.onnxruntime)
    return json.dumps([*parts, runtime.providers, runtime.threads, options])


def _read(path: Path) -> dict[str, dict[str, float]]:
    """Read the cache; one that is missing or damaged is empty."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def recall(machine: Machine, runtime: Runtime, path: Path | None = None) -> Peaks | None:
    """Return what was measured before on this machine, with the same provider and threads."""
    try:
        return Peaks(**_read(path or cache_file())[_key(machine, runtime)])
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
        known = _read(path) | {_key(machine, runtime): asdict(peaks)}
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(known, stream, indent=1)
            os.replace(beside, path)
        except OSError:
            os.unlink(beside)
            raise
