"""Virtual environments and peers, installed at run time. Imports only the standard library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

#: Arguments of one call of pip each, so that a failed install does not stop the others.
PEERS = (
    ("onnx", "onnxruntime", "setuptools<70", "wheel"),
    ("onnx-tool",),
    ("onnxslim",),
    ("onnxsim",),
    ("--no-build-isolation", "onnx-opcounter>=0.1"),
)

#: onnx-opcounter 0.1 needs Python 3.12; pip would install an older release, which is slower.
PEERS_PYTHON = (3, 12)
#: Versions to look for, the first of which have the most wheels.
CANDIDATES = ("3.12", "3.13", "3.14")


def interpreter(oldest: tuple[int, int]) -> str | None:
    """Find a Python of at least this version: this one, or one on the PATH, of uv or of pyenv."""
    if sys.version_info >= oldest:
        return sys.executable
    for wanted in CANDIDATES:
        for found in _candidates(wanted):
            if _version(found) >= oldest:
                return found
    return None


def _candidates(version: str) -> Iterator[str]:
    if on_path := shutil.which(f"python{version}"):
        yield on_path
    if shutil.which("py"):  # the launcher of Windows
        yield _quiet("py", f"-{version}", "-c", "import sys; print(sys.executable)").stdout.strip()
    if shutil.which("uv"):
        yield _quiet("uv", "python", "find", version).stdout.strip()
    if shutil.which("pyenv"):
        latest = _quiet("pyenv", "latest", version).stdout.strip()
        yield str(Path(_quiet("pyenv", "prefix", latest).stdout.strip(), "bin", "python"))


def _version(python: str) -> tuple[int, ...]:
    """Return the version of a Python; nothing if it does not start, as a shim of pyenv may not."""
    try:
        found = _quiet(python, "-c", "import sys; print(*sys.version_info[:2])").stdout
    except OSError:
        return ()
    return tuple(map(int, found.split()))


def environment(
    folder: Path, *installs: Sequence[str], python: str = sys.executable
) -> tuple[Path, list[str]]:
    """Create a virtual environment; return its ``bin`` and the installs that failed."""
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    home = folder / ("Scripts" if os.name == "nt" else "bin")
    failed = []
    for arguments in installs:
        result = _quiet(str(home / "python"), "-m", "pip", "install", "-q", *arguments)
        if result.returncode:
            failed.append(f"{' '.join(arguments)}: {_error(result.stderr)}")
    return home, failed


def _error(text: str) -> str:
    errors = [line for line in text.splitlines() if "error" in line.lower()]
    return (errors or ["pip failed"])[-1][:200]


def versions(home: Path) -> dict[str, str]:
    """Return the versions of the packages in an environment, and of its Python."""
    listed = _quiet(str(home / "python"), "-m", "pip", "list", "--format", "freeze").stdout
    pairs = (line.split("==", 1) for line in listed.splitlines() if "==" in line)
    packages = {name.replace("_", "-"): version for name, version in pairs}
    started = _quiet(str(home / "python"), "--version").stdout.split()
    return packages | {"python": started[-1] if started else "unknown"}


def hyperfine(folder: Path) -> Path | None:
    """Find hyperfine, or fetch it into ``folder``: from Debian, otherwise with cargo."""
    if there := shutil.which("hyperfine"):
        return Path(there)
    folder.mkdir(parents=True, exist_ok=True)
    return _from_debian(folder) or _by_cargo(folder)


def _from_debian(folder: Path) -> Path | None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    _quiet("apt-get", "download", "-q", "hyperfine", cwd=folder)
    for package in folder.glob("hyperfine_*.deb"):
        _quiet("dpkg-deb", "-x", str(package), str(folder))
    program = folder / "usr/bin/hyperfine"
    return program if program.exists() else None


def _by_cargo(folder: Path) -> Path | None:
    if shutil.which("cargo"):
        _quiet("cargo", "install", "--quiet", "--root", str(folder), "hyperfine")
    program = folder / "bin/hyperfine"
    return program if program.exists() else None


def _quiet(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
