"""Virtual environments and peers, installed at run time. Imports only the standard library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

#: Arguments of one call of pip each, so that a failed install does not stop the others.
PEERS = (
    ("onnx", "onnxruntime", "setuptools<70", "wheel"),
    ("onnx-tool",),
    ("onnxslim",),
    ("onnxsim",),
    ("--no-build-isolation", "onnx-opcounter"),
)


def environment(folder: Path, *installs: Sequence[str]) -> tuple[Path, list[str]]:
    """Create a virtual environment; return its ``bin`` and the installs that failed."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
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
    """Return the versions of the packages in an environment."""
    listed = _quiet(str(home / "python"), "-m", "pip", "list", "--format", "freeze").stdout
    return dict(line.split("==", 1) for line in listed.splitlines() if "==" in line)


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
