"""Prepare a machine for measurements, and show what is installed there."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sepcost.errors import HostError
from sepcost.latency import survey
from sepcost.latency.advice import version_here
from sepcost.latency.hosts.host import Host
from sepcost.latency.hosts.sending import digest_of
from sepcost.latency.results import Machine

#: What the worker imports there; ml_dtypes is for inputs such as bfloat16.
PACKAGES = ("numpy", "onnxruntime", "ml_dtypes")
OLDEST = "onnxruntime>=1.24"
STEP_S = 1800.0  # pip on a slow machine and line
PROVIDERS_S = 60.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """What is on a machine that was set up."""

    machine: Machine
    versions: Mapping[str, str]  # there: of Python and of packages
    here: Mapping[str, str]
    providers: tuple[str, ...]  # usable ones


def versions_here() -> dict[str, str]:
    """The versions of the packages here, where they are installed under these names."""
    return {name: found for name in PACKAGES if (found := version_here(name))}


def setup(host: Host, tell: Tell, wheels: Path | None = None) -> None:
    """Make a virtual environment there with what the worker needs.

    Parameters
    ----------
    host
        The machine.
    tell
        Called before each step with what is done.
    wheels
        A folder of wheels to send, for a machine without a network.

    Raises
    ------
    HostError
        A step fails; the message has its last line.
    """
    hello = host.connection().hello
    venv = str(host.cache / "venv")
    tell(f"Python {'.'.join(map(str, hello['python']))} at {hello['executable']}")
    tell(f"making a virtual environment in {venv}")
    made = _run(host, [str(hello["executable"]), "-m", "venv", "--clear", venv])
    _check(host, made, "install Python's venv there (Debian: apt install python3-venv)")
    _install(host, tell, _sent(host, tell, wheels) if wheels else ())
    tell("trying it")
    mark = f"import numpy, onnxruntime; open({venv + '/ready'!r}, 'w').close()"
    _check(host, _run(host, [host.python, "-I", "-c", mark]), "see its message")
    host.close()  # another hello says that it is set up
    told = host.told()["versions"]
    tell("ready: " + ", ".join(f"{name} {found}" for name, found in told.items()))


def _install(host: Host, tell: Tell, source: Sequence[str]) -> None:
    """Install the versions used here or, where Python there has no such wheels, the newest."""
    here = versions_here()
    pinned = [f"{name}=={here[name]}" if name in here else name for name in PACKAGES]
    pip = [host.python, "-I", "-m", "pip", "install", "--disable-pip-version-check"]
    pip += ["--only-binary=:all:", *source]
    tell(f"installing {', '.join(pinned)}")
    failed = _run(host, [*pip, *pinned])
    if failed:
        tell(f"these versions cannot be installed there ({failed}); installing the newest")
        failed = _run(host, [*pip, *PACKAGES[:1], OLDEST, *PACKAGES[2:]])
    _check(host, failed, "check the network there, or give --wheels FOLDER")


def _sent(host: Host, tell: Tell, wheels: Path) -> Sequence[str]:
    """Send wheels; return the options of pip that use them and nothing else."""
    files = {digest_of(path): path for path in sorted(wheels.glob("*.whl"))}
    if not files:
        raise HostError(f"--wheels {wheels}: no .whl file; fill it with 'pip download'")
    tell(f"sending {len(files)} wheels")
    host.send(files, lambda _: None, "the wheels")
    folder = str(host.cache / "wheels")
    names = {digest: path.name for digest, path in files.items()}
    code = (
        "import os, shutil\n"
        f"blobs, folder, names = {str(host.cache / 'blobs')!r}, {folder!r}, {names!r}\n"
        "shutil.rmtree(folder, ignore_errors=True)\n"
        "os.makedirs(folder)\n"
        "for blob, name in names.items(): shutil.copy(os.path.join(blobs, blob), "
        "os.path.join(folder, name))"
    )
    _check(host, _run(host, [host.python, "-I", "-c", code]), "make room there")
    return ["--no-index", "--find-links", folder]


def _run(host: Host, argv: Sequence[str]) -> str:
    """Run one step; return the last line of its errors if it fails."""
    host.connection().run(argv)
    printed = [""]
    try:
        while (answer := host.connection().answer(STEP_S)) is not None:
            if "exit" not in answer:
                printed.append(str(answer["line"]).strip())
                continue
            lines = [line for line in str(answer["stderr"]).splitlines() if line.strip()]
            return "" if answer["exit"] == 0 else (lines or printed)[-1] or "no message"
    except queue.Empty:
        pass
    host.close()
    raise HostError(f"--host {host.name}: the connection was lost; run the command again")


def _check(host: Host, failed: str, remedy: str) -> None:
    if failed:
        raise HostError(f"--host {host.name}: {failed[:300]}; {remedy}")


def check(host: Host) -> Checked:
    """Tell what is on a machine.

    Raises
    ------
    HostError
        It cannot be reached, or is not set up.
    """
    told = host.told()
    return Checked(
        machine=replace(Machine(**told["machine"]), host=host.name),
        versions=told["versions"],
        here=versions_here(),
        providers=tuple(
            one.name for one in survey.at(host.execute, PROVIDERS_S, host.name) if one.usable
        ),
    )
