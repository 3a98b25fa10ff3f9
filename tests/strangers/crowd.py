"""Third-party models tried in a child process, so that a crash or hang affects one model only."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.strangers.commands import tried
from tests.strangers.models import COLLECTIONS
from tests.strangers.outcome import WRONG, Outcome

HANGS_AFTER_S = 600  # for all commands on one model, on a busy machine
ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "tests.strangers.crowd")


def outcomes(
    collection: str, names: Sequence[str], tell: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    """Try the named models in order; a crash is an outcome too."""
    found: list[Outcome] = []

    def hear(one: Outcome) -> None:
        found.append(one)
        tell(one)

    while len(found) < len(names):
        code = _child(collection, names[len(found) :], hear)
        if len(found) < len(names):
            hear(Outcome(names[len(found)], analyze=f"{WRONG} {_end(code)}"))
    return found


def _child(collection: str, names: Sequence[str], hear: Callable[[Outcome], None]) -> int:
    with subprocess.Popen(
        [*COMMAND, collection], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n".join(names))
        process.stdin.close()
        for line in process.stdout:
            hear(Outcome(*line.rstrip("\n").split("\t")))
    return process.returncode


def _end(code: int) -> str:
    """How a child ended."""
    return f"crashed with {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def main() -> None:
    """Try the models named on standard input; print one row per model."""
    warnings.simplefilter("error")
    strangers = {one.name: one for one in COLLECTIONS[sys.argv[1]]()}
    gc.freeze()  # bench collects garbage before measuring: 65 ms each time with all of ONNX's cases
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as rows:
        os.dup2(2, 1)  # output of libraries goes elsewhere
        for name in sys.stdin.read().splitlines():
            faulthandler.dump_traceback_later(HANGS_AFTER_S, exit=True)
            print(tried(strangers[name]).line, file=rows, flush=True)


if __name__ == "__main__":
    main()
