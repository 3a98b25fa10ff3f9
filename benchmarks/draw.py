"""Draw the results, one SVG per part: ``python -m benchmarks.draw``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import svg
from benchmarks.results import RESULTS, read
from benchmarks.rounds import spread

Document = Mapping[str, Any]

LIGHT = "light_"
KEYS = {"wall_s": "time", "peak_mb": "memory"}
PAIRS = {
    "equal": "a copy", "five_per_cent": "5% more", "fifteen_per_cent": "15% more",
    "separable": "separable",
}  # fmt: skip


def main() -> None:
    """Draw every part that has results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    folder = parser.parse_args().results
    for name, document in read(folder).items():
        if draw := DRAWN.get(name):
            (folder / f"{name}.svg").write_text(draw(document), encoding="utf-8")
            print(f"drawn: {folder / name}.svg")


def analyze(document: Document) -> str:
    """Draw the ratios of the peers to ours; the light networks are combined by their medians."""
    models = document["models"]
    light = [result for name, result in models.items() if name.startswith(LIGHT)]
    rows = []
    if light:
        walls = [result["tools"]["sepcost"]["wall_s"][1] for result in light]
        shown = f"sepcost: {min(walls):.2f} to {max(walls):.2f} s"
        rows.append(svg.Whisker(f"{len(light)} light networks", (), shown))
        for tool in light[0]["tools"]:
            sides = [result["tools"][tool] for result in light]
            together = {
                key: spread([side["ratios"][key][1] for side in sides if "ratios" in side])
                for key in KEYS
                if any("ratios" in side for side in sides)
            }
            rows += _pair(tool, together) if tool != "sepcost" else []
    for model, result in models.items():
        if model.startswith(LIGHT):
            continue
        base = result["tools"]["sepcost"]
        taken = f"sepcost: {base['wall_s'][1]:.2f} s, {base['peak_mb'][1]:.0f} MB"
        rows.append(svg.Whisker(f"{model} ({result['bytes'] / 1e6:,.1f} MB)", (), taken))
        for tool, side in result["tools"].items():
            rows += _pair(tool, side.get("ratios", {})) if tool != "sepcost" else []
    return svg.whiskers("sepcost analyze and its peers", "peer / sepcost, whole processes", rows)


def _pair(label: str, ratios: Mapping[str, Sequence[float]]) -> list[svg.Whisker]:
    """Time and memory of one tool, if it was measured."""
    return [
        svg.Whisker(f"{label}, {KEYS[key]}", ratios[key], f"{ratios[key][1]:.2f}×", number)
        for number, key in enumerate(KEYS)
        if key in ratios
    ]


def exactness(document: Document) -> str:
    """Draw how many models each tool counts exactly."""
    summary = document["summary"]
    axis = f"{len(document['models'])} models; " + " / ".join(next(iter(summary.values())))
    return svg.stacked("MACs of convolutions and matrix products", axis, summary)


def convert(document: Document) -> str:
    """Draw the ratio of conversions to reading and writing, and of SVDs to ours."""
    groups = [(name, result["tools"]) for name, result in document["models"].items()]
    if document["factors"]:
        groups.append(("factors of VGG16's kernels", document["factors"]))
    rows = []
    for name, tools in groups:
        base, *others = tools.items()
        rows.append(svg.Whisker(name, (), f"{base[0]}: {base[1]['wall_s'][1]:.2f} s"))
        for tool, side in others:
            rows += _pair(tool, side.get("ratios", {}))
    return svg.whiskers("sepcost convert", "ratio to the first of each group", rows)


def effort(document: Document) -> str:
    """Draw the ratio of time and memory to those of the earlier commit."""
    rows = []
    for name, sides in document["networks"].items():
        now = sides["now"]
        if "ratios" not in now:
            continue
        shown = f"now: {now['cpu_s'][1]:.0f} s of CPU, {now['peak_mb'][1]:.0f} MB"
        rows.append(svg.Whisker(name, (), shown))
        rows += _pair("now", now["ratios"])
    return svg.whiskers("sepcost convert", f"ratio to commit {document['commit']}", rows)


def forms(document: Document) -> str:
    """Draw the share of the promised speed-up that each form reaches."""
    rows = []
    for threads, result in document["summary"].items():
        rows.append(
            svg.Whisker(
                f"{threads} thread{'s' * (threads != '1')}", (), "measured speed-up / ratio of MACs"
            )
        )
        for name, reached in result["of_theory"].items():
            shown = f"{100 * reached[1]:.0f}%"
            rows.append(svg.Whisker(name, reached, shown, int("grouped" in name)))
    axis = f"range and median over the shapes; {len(document['shapes'])} measurements"
    return svg.whiskers("Share of the promised speed-up that each form reaches", axis, rows)


def bench(document: Document) -> str:
    """Draw the errors of ratios, by method."""
    rows = []
    for load, methods in document["summary"].items():
        rows.append(svg.Whisker(f"{load} busy cores", (), "median to largest error"))
        for number, (method, pairs) in enumerate(methods.items()):
            for pair, result in pairs.items():
                label = f"{method}: {PAIRS[pair]}"
                middle, most = (100 * result[key] for key in ("median_error", "largest_error"))
                least = max(middle, 0.01)
                shown = f"{middle:.2f} to {most:.2f}%"
                rows.append(svg.Whisker(label, (least, least, max(most, least)), shown, number))
    return svg.whiskers("Error of a measured ratio", "per cent", rows)


def accuracy(document: Document) -> str:
    """Draw points lost against measured speed-up."""
    series: dict[str, list[svg.Spread]] = {}
    for network, rows in document["networks"].items():
        for row in rows:
            label = f"{row['measured']:.2f}×: {row['points_lost'][1]:.2f} points"
            point = svg.Spread(row["measured"], row["points_lost"], label)
            name = network if row["variant"] == "all" else f"{network}, {row['variant']}"
            series.setdefault(name, []).append(point)
    whole = {name: points for name, points in series.items() if name in document["networks"]}
    return svg.scatter(
        "Accuracy and measured speed-up", ("measured speed-up", "points of top-1 lost"), whole
    )


def jobs(document: Document) -> str:
    """Draw what is left of each figure on unseen data, as a share of the original's."""
    rows = []
    for name, row in document["jobs"].items():
        rows.append(svg.Whisker(f"{name} of the MACs", (), row["outcome"]))
        for key, (before, after) in row["figures"].items():
            share = max(after / before, 0.01)
            rows.append(svg.Whisker(key, (share, share, 1.0), f"{100 * share:.1f}%"))
    return svg.whiskers("Jobs of real models", "share of the original's on unseen data", rows)


DRAWN: Mapping[str, Callable[[Document], str]] = {
    "analyze": analyze, "exactness": exactness, "convert": convert,
    "effort": effort, "forms": forms, "bench": bench, "accuracy": accuracy, "jobs": jobs,
}  # fmt: skip

if __name__ == "__main__":
    main()
