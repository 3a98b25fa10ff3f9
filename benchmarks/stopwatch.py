"""Run one command and print its time and memory as JSON. Imports only the standard library.

It is a separate, small process: on Linux, a child's peak memory is never below that of the process
that started it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence

TIMEOUT_S = 900


def main(command: Sequence[str]) -> None:
    """Run it and discard its output; the last line of its errors is reported if it fails."""
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
        watchdog = threading.Timer(TIMEOUT_S, process.kill)
        watchdog.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        watchdog.cancel()
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - 1000))
        last = errors.read().decode(errors="replace").strip().splitlines()[-1:]
    code = process.returncode = os.waitstatus_to_exitcode(status)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    values = {
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / unit,
    }
    failed = f"exit code {code}: {''.join(last)[:200]}" if code else ""
    print(json.dumps({"values": values, "failed": failed}))


if __name__ == "__main__":
    main(sys.argv[1:])
