"""Run ``sepcost`` or a script with measurements of one second, too short to be precise."""

import runpy
import sys

from sepcost.latency import settings

SHORT = {
    "bench": ["--max-time", "1", "--launches", "2"],
    "report": ["--max-time", "1"],
}
Settings = settings.Settings


LAUNCHES = 1 if sys.argv[1:2] == ["script"] else 2


def short(**more):
    launches = {"min_launches": LAUNCHES, "max_launches": LAUNCHES}
    return Settings(**more | {"max_time_s": 1.0} | launches)


settings.Settings = short  # type: ignore[assignment,misc]

if __name__ == "__main__":
    how, *arguments = sys.argv[1:]
    if how == "sepcost":
        from sepcost.__main__ import main

        sys.argv = ["sepcost", *arguments, *SHORT.get(arguments[0], [])]
        main()
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
