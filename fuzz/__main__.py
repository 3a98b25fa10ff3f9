"""``python -m fuzz [TARGET ...] --seconds N``: fuzz, each target in a child, or replay."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fuzz.corpus import FINDINGS, entries
from fuzz.targets import TARGETS, held

ROOT = Path(__file__).parents[1]
MEMORY_MB = 2048
INPUT_S = 20  # one input that takes longer is a finding
START_S = 120  # imports, with every module instrumented
MOST_BYTES = 8192


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=30, help="for each target (30)")
    parser.add_argument("--seed", type=int, default=0, help="draw alike each time (0: do not)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at a time")
    given = parser.parse_args(arguments)
    unknown = set(given.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    names = given.targets or list(TARGETS)
    broken = [name for name in names if not replayed(name)]
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed (pip install -e '.[fuzz]'): only the corpus was replayed")
    else:
        sound = [name for name in names if name not in broken]
        with ThreadPoolExecutor(given.jobs) as pool:
            results = pool.map(lambda name: fuzzed(name, given.seconds, given.seed), sound)
            broken += [name for name, holds in zip(sound, results, strict=True) if not holds]
    print(f"broken: {', '.join(broken)}" if broken else "nothing found")
    return 1 if broken else 0


def replayed(name: str) -> bool:
    """Replay the seeds and former findings of a target; return whether all of them hold."""
    for label, data in entries(name):
        try:
            held(name, data)
        except Exception as error:  # whatever the reader let through
            print(f"{name}: {label}: {type(error).__name__}: {error}")
            return False
    return True


def fuzzed(name: str, seconds: int, seed: int = 0) -> bool:
    """Fuzz one target; what breaks it is kept among the findings."""
    print(f"{name}: {seconds} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="sepcost-fuzz-") as folder:
        home = Path(folder)
        (home / "found").mkdir()
        command = [*_command(name, seconds, home), f"-seed={seed}"]
        environment = os.environ | {"TMPDIR": folder, "XDG_CACHE_HOME": folder}
        if seed:
            environment["PYTHONHASHSEED"] = str(seed)
        try:
            child = subprocess.run(
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
                stderr=subprocess.STDOUT, errors="replace", check=False,
                timeout=seconds + START_S + INPUT_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            print(f"{name}: the child hung and was ended")
            return False
        found = sorted((home / "found").iterdir())
        for path in found:
            _keep(name, path)
        if found or child.returncode:
            print(_told(child.stdout))
        return not found and not child.returncode


def _command(name: str, seconds: int, home: Path) -> list[str]:
    """What runs the child, with a corpus to begin with and a dictionary."""
    corpus, words = home / "corpus", home / "words"
    corpus.mkdir()
    for number, (_, data) in enumerate(entries(name)):
        (corpus / str(number)).write_bytes(data)
    words.write_text("".join(f"{_quoted(word)}\n" for word in TARGETS[name].words), "ascii")
    dictionary = [f"-dict={words}"] if TARGETS[name].words else []
    return [
        sys.executable, "-m", "fuzz.child", name,
        f"-max_total_time={seconds}", f"-timeout={INPUT_S}", f"-rss_limit_mb={MEMORY_MB}",
        f"-report_slow_units={INPUT_S}", f"-max_len={MOST_BYTES}",
        f"-artifact_prefix={home}/found/", *dictionary, str(corpus),
    ]  # fmt: skip


def _quoted(word: str) -> str:
    """A word as libFuzzer's dictionaries want it."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"'


def _keep(name: str, path: Path) -> None:
    home = FINDINGS / name
    home.mkdir(parents=True, exist_ok=True)
    kept = home / path.name[:24]
    kept.write_bytes(path.read_bytes())
    print(f"{name}: kept {kept}")


def _told(output: str) -> str:
    """The traceback of a child, without libFuzzer's own lines."""
    lines = [
        line for line in output.splitlines() if not line.startswith(("INFO:", "WARNING:", "#"))
    ]
    first = next((k for k, line in enumerate(lines) if "exception" in line.lower()), 0)
    return "\n".join(lines[first : first + 40])


if __name__ == "__main__":
    sys.exit(main())
