"""Run ``sepcost`` or a script with measurements of a second: what they find is not asked here."""

import runpy
import sys

from sepcost.latency import settings

SHORT = {
    "bench": ["--max-time", "1", "--launches", "2"],
    "convert": ["--max-time", "1"],
    "report": ["--max-time", "1"],
}
Settings = settings.Settings


def short(**more):
    return Settings(**more | {"max_time_s": 1.0, "min_launches": 2, "max_launches": 2})


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
