"""``python -m tests.fuzz [TARGET ...] --seconds N``: fuzz each target in a child, or replay it."""

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

from tests.fuzz.corpus import FINDINGS, entries
from tests.fuzz.targets import TARGETS, accepts

ROOT = Path(__file__).parents[2]
MEMORY_MB = 2048
INPUT_S = 20  # an input that takes longer is a finding
START_S = 120  # for imports, with every module instrumented
MAX_BYTES = 8192


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 if any target breaks."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=30, help="per target (default: 30)")
    parser.add_argument("--seed", type=int, default=0, help="0 (default) is random")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets in parallel")
    given = parser.parse_args(arguments)
    unknown = set(given.targets) - set(TARGETS)
    if unknown:
        parser.error(f"unknown target {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}")
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
    """Replay the seeds and earlier findings of a target; return whether all pass."""
    for label, data in entries(name):
        try:
            accepts(name, data)
        except Exception as error:  # whatever the reader lets through
            print(f"{name}: {label}: {type(error).__name__}: {error}")
            return False
    return True


def fuzzed(name: str, seconds: int, seed: int = 0) -> bool:
    """Fuzz one target; inputs that break it are kept in the findings."""
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
            print(f"{name}: the child hung and was killed")
            return False
        crashes = sorted((home / "found").iterdir())
        for path in crashes:
            _keep(name, path)
        if crashes or child.returncode:
            print(_traceback(child.stdout))
        return not crashes and not child.returncode


def _command(name: str, seconds: int, home: Path) -> list[str]:
    """The command line of the child, with its initial corpus and its dictionary."""
    corpus, words = home / "corpus", home / "words"
    corpus.mkdir()
    for number, (_, data) in enumerate(entries(name)):
        (corpus / str(number)).write_bytes(data)
    words.write_text("".join(f"{_quoted(word)}\n" for word in TARGETS[name].words), "ascii")
    dictionary = [f"-dict={words}"] if TARGETS[name].words else []
    return [
        sys.executable, "-m", "tests.fuzz.child", name,
        f"-max_total_time={seconds}", f"-timeout={INPUT_S}", f"-rss_limit_mb={MEMORY_MB}",
        f"-report_slow_units={INPUT_S}", f"-max_len={MAX_BYTES}",
        f"-artifact_prefix={home}/found/", *dictionary, str(corpus),
    ]  # fmt: skip


def _quoted(word: str) -> str:
    """A word in the syntax of libFuzzer's dictionaries."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"'


def _keep(name: str, path: Path) -> None:
    home = FINDINGS / name
    home.mkdir(parents=True, exist_ok=True)
    kept = home / path.name[:24]
    kept.write_bytes(path.read_bytes())
    print(f"{name}: kept {kept}")


def _traceback(output: str) -> str:
    """The traceback in a child's output, without libFuzzer's own lines."""
    lines = [
        line for line in output.splitlines() if not line.startswith(("INFO:", "WARNING:", "#"))
    ]
    first = next((k for k, line in enumerate(lines) if "exception" in line.lower()), 0)
    return "\n".join(lines[first : first + 40])


if __name__ == "__main__":
    sys.exit(main())
