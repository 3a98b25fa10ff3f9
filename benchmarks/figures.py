"""The tables of the README and of benchmarks/README.md, made from the results of each part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]
Rows = Iterable[Sequence[str]]
OURS, TWIN = "sepcost", "sepcost, 10 kB"

#: The models that the README quotes.
MODELS = {
    "yolox_nano": "YOLOX-Nano", "weights500mb": "500 MB of weights", "vgg19": "VGG19, 574 MB",
    "nodes20k": "20,000 nodes", "weights5gb": "5 GB of weights",
}  # fmt: skip
WAYS = {"rank 1": "`--rank 1`", "planned": "`--macs 0.5`, without data"}
#: The forms that the README quotes: title, and the rank of the grouped form to compare with.
QUOTED = {
    "dw-pw 1": ("depthwise-pointwise, rank 1", ""),
    "dw-pw 2": ("depthwise-pointwise, rank 2", "2"),
    "dw-pw 4": ("depthwise-pointwise, rank 4", "4"),
    "block 16": ("block-pointwise, rank 16", ""),
    "block 32": ("block-pointwise, rank 32", ""),
}
#: Kinds of counts that the results call otherwise.
KINDS = {"no count": "not counted"}
WHOLE = "all"
VARIANTS = {
    WHOLE: "complete method",
    "without depthwise-bottlenecks": "without depthwise-bottleneck forms",
    "with bottlenecks": "with bottleneck forms as well",
    "depthwise only": "depthwise-pointwise forms only",
    "layers apart": "each layer fitted to the original network",
    "without gradients": "without weighting errors by gradients",
    "without effects": "without measured effects on the output",
    "without tuning": "without tuning all layers together",
    "weights alone": "without calibration data",
}


def table(heads: Sequence[str], rows: Rows) -> str:
    """Lay out a Markdown table; numbers are aligned to the right of the first column."""
    marks = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, marks, *rows))


def exactness(document: Document) -> Iterator[str]:
    """Count the models that each tool gets exactly right."""
    summary = document["summary"]
    kinds = list(next(iter(summary.values())))
    yield (
        f"How many of {len(document['models'])} models each tool counts exactly; the correct MACs "
        "follow from the shapes that ONNX Runtime reports for each kernel of a run:"
    )
    rows = [[tool, *(str(counts[kind]) for kind in kinds)] for tool, counts in summary.items()]
    yield table(["tool", *(KINDS.get(kind, kind) for kind in kinds)], rows)


def analyze(document: Document) -> Iterator[str]:
    """Time and memory of whole processes, against the peers."""
    models = document["models"]
    light = [result["tools"] for name, result in models.items() if name.startswith("light_")]
    quoted = [name for name in MODELS if name in models]
    every = [*light, *(models[name]["tools"] for name in quoted)]
    peers = [tool for tool in every[0] if tool != OURS]
    rows = []
    for key, what in (("wall_s", "time"), ("cpu_s", "CPU time")) if light else ():
        ours = f"{_range([tools[OURS][key][1] for tools in light])} s"
        title = f"{what}, {len(light)} small networks from the onnx wheel"
        rows.append([title, ours, *(_over(light, peer, key) for peer in peers)])
    for name in quoted:
        tools = models[name]["tools"]
        for key, what, digits, unit, show in MEASURES:
            own = f"{tools[OURS][key][1]:.{digits}f} {unit}"
            sides = (show((tools[peer].get("ratios") or {}).get(key)) for peer in peers)
            rows.append([f"{what}, {MODELS[name]}", own, *sides])
    yield "Whole processes, start-up included: `sepcost analyze`, and others relative to it:"
    yield table(["", OURS, *peers], rows)
    for name, result in models.items():
        if "ratios" in (twin := result["tools"].get(TWIN, {})):
            low, middle, high = (1 / ratio for ratio in reversed(twin["ratios"]["cpu_s"]))
            yield (
                f"A network with {MODELS[name]} takes {_spread([low, middle, high])} the CPU time "
                "of the same network with 10 kB."
            )


def _over(sides: Sequence[Mapping[str, Any]], peer: str, key: str) -> str:
    ratios = [tools[peer]["ratios"][key][1] for tools in sides if "ratios" in tools[peer]]
    return f"{_range(ratios)}×" if ratios else ""


def convert(document: Document) -> Iterator[str]:
    """Conversions against reading and writing the file, factors against SVDs."""
    rows = []
    for name, result in document["models"].items():
        for way, side in result["tools"].items():
            if "ratios" in side and way in WAYS:
                ratios = side["ratios"]
                rows.append([
                    f"{name}, {result['bytes'] / 1e6:.0f} MB, {WAYS[way]}",
                    f"{side['wall_s'][1]:.1f} s",
                    _spread(ratios["wall_s"]), f"{ratios['peak_mb'][1]:.2f}×",
                ])  # fmt: skip
    yield (
        "`sepcost convert`, and its ratio to a process that only calls `onnx.load` and `onnx.save` "
        "on the same file (below 1× is better):"
    )
    yield table(["model and goal", "time", "time ratio", "memory ratio"], rows)
    if plain := (document["factors"] or {}).get("numpy.linalg.svd"):
        yield (
            "Factorising VGG16's kernels with one `numpy.linalg.svd` per channel takes "
            f"{_spread(plain['ratios']['wall_s'])} the time of `sepcost.factorize`."
        )


def effort(document: Document) -> Iterator[str]:
    """Time, memory and loss of conversions, against an earlier commit."""
    rows, cut = [], document["cut_s"]
    for name, sides in document["networks"].items():
        now, before = sides["now"], sides["before"]
        if "ratios" in now:
            most = "at most " if before["wall_s"][2] >= cut else ""
            ratios = (most + _spread(now["ratios"][key]) for key in ("wall_s", "cpu_s"))
            memory = _spread(now["ratios"]["peak_mb"])
            losses = (f"{side['loss'][1]:.2g}" if "loss" in side else "" for side in (now, before))
            cpu = f"{now['cpu_s'][1]:.0f} s"
            rows.append([f"{name}, `{sides['goal']}`", cpu, *ratios, memory, *losses])
    limited = any("at most" in row[2] for row in rows)
    limit = f", cut short after {cut} s where a ratio is an upper bound" if limited else ""
    yield (
        "`sepcost convert --tune off` with calibration data, compared with an earlier version "
        f"(commit {document['commit']}){limit}; the loss is the divergence of the class "
        "probabilities on unseen images:"
    )
    heads = ["CPU time", "time ratio", "CPU ratio", "memory ratio", "loss", "loss, earlier version"]
    yield table(["network", *heads], rows)


def accuracy(document: Document) -> Iterator[str]:
    """Points of top-1 lost at each measured speed-up."""
    networks = document["networks"]
    yield (
        "`sepcost convert --speedup` on trained networks: the measured speed-up, and the points of "
        "top-1 accuracy lost on held-out images (95% interval; negative is a gain):"
    )
    asked = dict.fromkeys(row["asked"] for rows in networks.values() for row in rows)
    heads = [f"{name}: {what}" for name in networks for what in ("speed-up", "points lost")]
    yield table(
        ["`--speedup`", *heads],
        [[f"{goal:g}", *_cells(networks, WHOLE, goal)] for goal in asked],
    )


def _cells(networks: Mapping[str, Any], variant: str, goal: float) -> Iterator[str]:
    """Speed-up and points lost of one variant at one goal, for each network."""
    for rows in networks.values():
        key = (variant, goal)
        row = next((r for r in rows if (r["variant"], r["asked"]) == key), None)
        yield f"{row['measured']:.2f}×" if row else ""
        yield _interval(row["points_lost"]) if row else ""


def ablations(document: Document) -> Iterator[str]:
    """Points lost with each part of the method switched off."""
    for name, rows in document["networks"].items():
        goals = sorted({row["asked"] for row in rows if row["variant"] != WHOLE})
        variants = dict.fromkeys(row["variant"] for row in rows)
        heads = [f"`--speedup {g:g}`: {w}" for g in goals for w in ("speed-up", "points lost")]
        yield f"Points of top-1 accuracy that *{name}* loses on held-out images (95% interval):"
        yield table(
            ["method", *heads],
            [
                [VARIANTS.get(v, v), *(c for g in goals for c in _cells({name: rows}, v, g))]
                for v in variants
            ],
        )


def jobs(document: Document) -> Iterator[str]:
    """What became of the jobs of real models."""
    yield (
        "Pretrained models from Python packages, calibrated on images, fonts and synthetic sounds "
        "and judged on other data; each row has a limit for the loss on that data:"
    )
    rows = []
    for name, row in document["jobs"].items():
        shown = (f"{key} {_score(a)} → {_score(b)}" for key, (a, b) in row["figures"].items())
        speed = f"{row['speedup']:.2f}×" if row["speedup"] else ""
        seconds = f"{row['seconds']} s"
        found = f"{', '.join(shown)} (n = {row['samples']})"
        rows.append([f"{name}× MACs", speed, found, row["outcome"], seconds])
    yield table(["model and goal", "speed-up", "on unseen data", "result", "time"], rows)


def _score(value: float) -> str:
    return f"{value:.2f}" if value > 1 else f"{100 * value:.1f}%"


def forms(document: Document) -> Iterator[str]:
    """The speed-up of emitted forms, against MACs and the naive way to write them."""
    for threads, result in document["summary"].items():
        shapes = sum(str(row["threads"]) == threads for row in document["shapes"])
        plural = "s" * (threads != "1")
        yield (
            "Share of the promised speed-up (the ratio of MACs) that each form reaches, and its "
            "speed relative to the same rank written with one grouped convolution (`--emit "
            "grouped`); "
            f"{shapes} shapes of 3×3 convolutions, {threads} thread{plural}:"
        )
        reached, naive = result["of_theory"], result["over_naive"]
        rows = [
            [title, _percent(reached[form]), _spread(naive[rank]) if rank else ""]
            for form, (title, rank) in QUOTED.items()
            if form in reached
        ]
        yield table(["form", "promised speed-up reached", "speed vs grouped"], rows)


def bench(document: Document) -> Iterator[str]:
    """Verdicts, limits and errors, by load and method."""
    for load, methods in document["summary"].items():
        where = f"{load} busy cores" if load != "0" else "an idle machine"
        equal, five, fifteen = (methods[OURS][name] for name in PAIRS)
        of = f"of {equal['comparisons']}"
        yield f"`sepcost bench` on {where}, {equal['seconds']:.0f} s per comparison:"
        yield table(
            ["compared", "outcome", "how often"],
            [
                ["two copies of a model", "verdict *same*", f"{equal.get('same', 0)} {of}"],
                ["", "interval contains 1", f"{equal['covered']} {of}"],
                ["", "a budget of +5% fails", f"{equal['gate_fails']} {of}"],
                ["5% more MACs", "verdict *slower*", f"{five.get('slower', 0)} {of}"],
                ["15% more MACs", "a budget of +5% fails", f"{fifteen['gate_fails']} {of}"],
            ],
        )
        yield "Two copies of a model, compared by several methods under the same load:"
        rows = []
        for method, result in methods.items():
            side = result["equal"]
            off = f"{side['off_by_gate']} of {side['comparisons']}"
            rows.append([method, off, f"{100 * side['largest_error']:.1f}%"])
        yield table(["method", "off by more than 5%", "largest error"], rows)


PAIRS = ("equal", "five_per_cent", "fifteen_per_cent")


def _spread(spread: Sequence[float] | None) -> str:
    """Return the median, with minimum and maximum where they differ from it."""
    if not spread:
        return ""
    low, middle, high = (f"{value:.2f}" if value < 9.95 else f"{value:.0f}" for value in spread)
    return f"{middle}×" if low == high else f"{middle}× ({low} to {high})"


def _median(spread: Sequence[float] | None) -> str:
    return f"{spread[1]:.1f}×" if spread else ""


#: What is measured of a process: key, title, decimals, unit, and how its ratios are shown.
MEASURES = (("wall_s", "time", 2, "s", _spread), ("peak_mb", "peak memory", 0, "MB", _median))


def _range(values: Sequence[float]) -> str:
    ends = [f"{value:.2f}" for value in (min(values), max(values))]
    return " to ".join(dict.fromkeys(ends))


def _percent(spread: Sequence[float]) -> str:
    low, middle, high = (f"{100 * value:.0f}" for value in spread)
    return f"{middle}% ({low} to {high})"


def _interval(spread: Sequence[float]) -> str:
    low, middle, high = (f"{value:.2f}".replace("-", "−") for value in spread)
    return f"{middle} ({low} to {high})"


Figures = Mapping[str, Callable[[Document], Iterable[str]]]

#: The README's tables, by part, in their order.
FIGURES: Figures = {
    "exactness": exactness, "analyze": analyze, "convert": convert, "effort": effort,
    "accuracy": accuracy, "jobs": jobs, "forms": forms, "bench": bench,
}  # fmt: skip
#: The part above which each heading of the README goes.
HEADINGS = {
    "exactness": "Counting", "analyze": "Speed", "accuracy": "Conversion", "bench": "Latency",
}  # fmt: skip
#: The tables of benchmarks/README.md.
ABLATIONS: Figures = {"accuracy": ablations}
