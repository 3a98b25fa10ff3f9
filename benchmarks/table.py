"""The README's table of figures, made from the results: ``python -m benchmarks.table``.

Prints it; ``--write`` puts it into the README, ``--check`` fails where the README says otherwise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.results import RESULTS, ROOT, read

README = ROOT / "README.md"
BEGIN, END = "<!-- figures -->\n", "<!-- /figures -->\n"

Document = Mapping[str, Any]
Row = tuple[str, str]  # what was measured; what came of it


def main() -> None:
    """Print, write or check the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--write", action="store_true", help="put it into README.md")
    parser.add_argument("--check", action="store_true", help="compare it with README.md")
    options = parser.parse_args()
    made, text = table(read(options.results)), README.read_text(encoding="utf-8")
    if options.write:
        README.write_text(replaced(text, made), encoding="utf-8")
    elif not options.check:
        print(made)
    elif replaced(text, made) != text:
        sys.exit("README.md quotes other figures: python -m benchmarks.table --write")


def replaced(text: str, made: str) -> str:
    """Put a table between the README's marks."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}{made}{END}{rest.split(END)[1]}"


def table(results: Mapping[str, Document]) -> str:
    """Lay out the figures of every part that has results, with where they come from."""
    lines = ["| | |", "|---|---|"]
    for part, rows in FIGURES.items():
        if document := results.get(part):
            lines += [f"| {what} | {figure} |" for what, figure in rows(document)]
            lines.append(f"| | {_origin(part, document)} |")
    return "\n".join(lines) + "\n"


def _origin(part: str, document: Document) -> str:
    """Name the command and the day."""
    machine = document["machine"]
    day = document["date"].split("T")[0]
    load = f", load {machine['load_before']:.1f}" if machine["load_before"] is not None else ""
    where = f"{machine['cores']} cores of an {machine['cpu']}{load}, {day}"
    return f"`{_command(part, document['options'])}`: {where}"


def _command(part: str, given: Sequence[str]) -> str:
    """Return what remakes it; a part with options of its own runs alone."""
    if set(given) <= {"--quick"}:
        return " ".join(["python -m benchmarks", *given, f"--only {part}"])
    return " ".join([f"python -m benchmarks.{part}", *given])


def exactness(document: Document) -> Iterable[Row]:
    """Models counted as ONNX Runtime runs them."""
    summary = document["summary"]
    total = len(document["models"])
    counts = (f"{tool} {found['exact']}" for tool, found in summary.items())
    yield f"MACs as ONNX Runtime's own shapes give them, of {total} models", ", ".join(counts)


def analyze(document: Document) -> Iterable[Row]:
    """Whole processes beside the peers."""
    models = document["models"]
    light = [found["tools"] for name, found in models.items() if name.startswith("light_")]
    if light:
        walls = [tools["sepcost"]["wall_s"][1] for tools in light]
        told = [f"{_range(walls)} s"]
        for tool in light[0]:
            wall = [t[tool]["ratios"]["wall_s"][1] for t in light if "ratios" in t[tool]]
            if wall and tool != "sepcost":
                told.append(f"{tool} {_range(wall)}× the time")
        what = f"`analyze` of the onnx wheel's small networks ({len(light)}), whole process"
        yield what, "; ".join(told)
    for name, title in MODELS.items():
        if name in models:
            yield f"… of {title}", _beside(models[name]["tools"])


#: Of the generated models those that the README quotes.
MODELS = {
    "weights500mb": "500 MB of weights", "vgg19": "VGG19, 574 MB", "nodes20k": "20,000 nodes",
    "weights5gb": "5 GB of weights",
}  # fmt: skip


def _beside(tools: Mapping[str, Any]) -> str:
    base = tools["sepcost"]
    told = [f"{base['wall_s'][1]:.2f} s, {base['peak_mb'][1]:.0f} MB"]
    for tool, side in tools.items():
        if tool != "sepcost" and "ratios" in side:
            wall, peak = (side["ratios"][key] for key in ("wall_s", "peak_mb"))
            told.append(f"{tool} {_spread(wall)} the time, {peak[1]:.1f}× the memory")
    return "; ".join(told)


def convert(document: Document) -> Iterable[Row]:
    """Conversions beside reading and writing, factors beside SVDs."""
    for name, found in document["models"].items():
        base = found["tools"]["read and write"]
        for way, side in found["tools"].items():
            if "ratios" not in side or side is base:
                continue
            wall, peak = (side["ratios"][key] for key in ("wall_s", "peak_mb"))
            size = f"{found['bytes'] / 1e6:.0f} MB"
            yield (
                f"`convert` of {name}, {size}, {WAYS[way]}, beside reading and writing it",
                f"{side['wall_s'][1]:.1f} s, {_spread(wall)} the time, {peak[1]:.2f}× the memory",
            )
    if plain := (document["factors"] or {}).get("numpy.linalg.svd"):
        yield (
            "one `numpy.linalg.svd` a channel of VGG16's kernels, beside `sepcost.factorize`",
            f"{_spread(plain['ratios']['wall_s'])} the time",
        )


WAYS = {"rank 1": "`--rank 1`", "planned": "`--macs 0.5` from the weights alone"}


def forms(document: Document) -> Iterable[Row]:
    """Emitted forms beside the naive one and theory."""
    for threads, found in document["summary"].items():
        rows = [row for row in document["shapes"] if str(row["threads"]) == threads]
        title = f"{len(rows)} shapes of 3×3 convolutions, {threads} thread{'s' * (threads != '1')}"
        for rank, spread in found["over_naive"].items():
            yield f"rank {rank} as emitted beside the naive grouped form, {title}", _spread(spread)
        reached = found["of_theory"]
        told = (f"{name} {_percent(reached[name])}" for name in QUOTED if name in reached)
        yield f"of the speed-up that MACs promise, {title}", ", ".join(told)


QUOTED = ("dw-pw 1", "dw-pw 2", "dw-pw 4", "block 16", "block 32")


def bench(document: Document) -> Iterable[Row]:
    """Verdicts, gates and errors, by load and method."""
    for load, methods in document["summary"].items():
        on = f"{load} busy cores" if load != "0" else "a machine left alone"
        ours = methods["sepcost"]
        equal, five, fifteen = (ours[name] for name in ("equal", *MORE))
        number = f"of {equal['comparisons']}"
        yield (
            f"two copies of one model, {on}",
            f"called the same in {equal.get('same', 0)} {number}, {equal['seconds']:.0f} s each; "
            f"the interval holds the ratio 1 in {equal['covered']}",
        )
        yield (
            f"a twin with 5 % more MACs, {on}",
            f"called slower in {five.get('slower', 0)} {number}",
        )
        yield (
            f"a gate at +5 %, {on}",
            f"fails in {equal['gate_fails']} {number} on copies, "
            f"in {fifteen['gate_fails']} where one is 15 % dearer",
        )
        for method, found in methods.items():
            side = found["equal"]
            yield (
                f"copies told more than 5 % apart by {method}, {on}",
                f"{side['off_by_gate']} of {side['comparisons']}; "
                f"largest error {100 * side['largest_error']:.1f} %",
            )


MORE = ("five_per_cent", "fifteen_per_cent")


def accuracy(document: Document) -> Iterable[Row]:
    """What the method loses at each measured speed-up, whole and with a part switched off."""
    for name, rows in document["networks"].items():
        by: dict[str, list[str]] = {}
        for row in rows:
            low, lost, high = (f"{value:.2f}" for value in row["points_lost"])
            told = f"{row['measured']:.2f}×: {lost}"
            told += f" ({low} to {high})" if row["variant"] == WHOLE else ""
            by.setdefault(row["variant"], []).append(told)
        for variant, each in by.items():
            what = f"points of top-1 lost by {name} at a measured speed-up"
            yield what if variant == WHOLE else f"… {variant}", "; ".join(each)


WHOLE = "all"


def _spread(spread: Sequence[float]) -> str:
    """Return the median, with the least and the largest where they say something else."""
    low, middle, high = (f"{value:.2f}" if value < 9.95 else f"{value:.0f}" for value in spread)
    return f"{middle}×" if low == high else f"{middle}× ({low} to {high})"


def _range(values: Sequence[float]) -> str:
    ends = [f"{value:.2f}" for value in (min(values), max(values))]
    return " to ".join(dict.fromkeys(ends))


def _percent(spread: Sequence[float]) -> str:
    low, middle, high = (f"{100 * value:.0f}" for value in spread)
    return f"{middle} % ({low} to {high})"


FIGURES: Mapping[str, Callable[[Document], Iterable[Row]]] = {
    "exactness": exactness, "analyze": analyze, "convert": convert,
    "forms": forms, "bench": bench, "accuracy": accuracy,
}  # fmt: skip

if __name__ == "__main__":
    main()
