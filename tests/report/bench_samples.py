"""Handmade measurements for tests of reports."""

from dataclasses import replace
from math import inf

from sepcost.latency.results import (
    ArenaUse,
    Bench,
    Comparison,
    LayerTime,
    Machine,
    Measurement,
    Memory,
    OutputDifference,
    Peaks,
    Placement,
)
from sepcost.latency.settings import Settings, documented
from sepcost.latency.stats import Interval, Outcome, Samples, Statistic

MACHINE = Machine(
    name="lab", system="Linux 6.1 x86_64", cpu="AMD EPYC 9B45", cores=2, load=0.25, governor=None,
    turbo=None, onnxruntime="1.32.0",
)  # fmt: skip
PEAKS = Peaks(macs_per_second=100e9, bytes_per_second=20e9)
ON_CPU = (Placement("cpu", 4, share=1.0),)
#: Three of eight nodes, with a tenth of the MACs, fell back to the CPU.
SPLIT = (
    Placement("openvino", 5, ("c1", "r1", "c2", "r2", "c3"), 0.9),
    Placement("cpu", 3, ("shape_1", "det_1", "fc_1"), 0.1),
)

#: One kernel of each kind: compute-bound, memory-bound, in the caches, layout, optimised away.
LAYERS = (
    LayerTime(
        ("c1", "b1", "r1"), "Conv", "cpu", "", 6e6, 0.6, "block/1/pointwise", 480_000_000,
        9_000_000, "compute", 0.8,
    ),
    LayerTime(
        ("d1", "b2", "r2"), "Conv", "cpu", "", 3e6, 0.3, "block/1/depthwise", 20_000_000,
        30_000_000, "memory", 0.5,
    ),
    LayerTime(
        ("p1",), "MaxPool", "cpu", "", 0.5e6, 0.05, "pool", 0, 17_500_000, "memory", 1.75,
    ),
    LayerTime((), "ReorderOutput", "cpu", "", 0.5e6, 0.05),
    LayerTime(("w1", "w2"), "", "", "", 0.0, 0.0, "w", 0, 4096),
)  # fmt: skip


def around(estimate, part=0.01):
    return Interval(estimate, estimate / (1 + part), estimate * (1 + part))


def model(name="net", ns=10e6, **changes):
    """Five launches of 200 runs, nine in ten undisturbed."""
    found = Measurement(
        name, around(ns), (Statistic.UNDISTURBED,), {50: ns * 1.01, 90: ns * 1.1, 99: ns * 1.5},
        runs=1000, undisturbed=0.9, create_ns=42_000_000, first_run_ns=round(2 * ns),
        memory=Memory(20_000_000, 31_400_000), placement=ON_CPU, differences=(),
        samples=tuple(Samples((round(ns), round(1.1 * ns)), (0, 1), (9, 9)) for _ in range(5)),
    )  # fmt: skip
    return replace(found, **changes)


def pair(a="net", b="twin", ratio=0.5, verdict=Outcome.FASTER, **changes):
    found = Comparison(a, b, around(ratio), verdict, 0.012, (Statistic.UNDISTURBED,))
    return replace(found, **changes)


def bench(*models, comparisons=(), **changes):
    found = Bench(
        MACHINE, ("cpu",), 1, models, tuple(comparisons), 0.0098, 8.5,
        settings=documented(Settings()), sources=tuple(f"{m.name}.onnx" for m in models),
    )  # fmt: skip
    return replace(found, **changes)


def one():
    return bench(model())


def several():
    """A twin that is faster, one that is the same, and one that is inconclusive."""
    return bench(
        model("regular"), model("separable", 4e6), model("copy", 10.02e6), model("noisy", 10.3e6),
        comparisons=[
            pair("regular", "separable", 0.4),
            pair("regular", "copy", 1.002, Outcome.SAME),
            Comparison(
                "regular", "noisy", Interval(1.03, 0.93, 1.15), Outcome.INCONCLUSIVE, 0.14,
                (Statistic.UNDISTURBED,), "raise --max-time",
            ),
        ],
    )  # fmt: skip


def layered():
    arena = ArenaUse(10_486_712, 16_778_168, 5_710_848)
    return bench(model(layers=LAYERS, arena=arena), machine=replace(MACHINE, peaks=PEAKS))


def scattered():
    """On a provider that runs most nodes."""
    return bench(
        model(
            placement=SPLIT, differences=(OutputDifference("y", 2e-7),), warnings=("3 fell back",)
        ),
        providers=("openvino",),
    )


def machine_alone():
    return bench(machine=replace(MACHINE, peaks=PEAKS), precision=inf)


def hostile(name):
    """The same name everywhere a model or a provider can put one."""
    row = replace(LAYERS[0], name=name, kernel=name, provider=name, nodes=(name,), scope=name)
    part = Placement(name, 1, (name,), 0.5)
    found = model(name, layers=(row,), placement=(part, SPLIT[1]), warnings=(name,))
    return bench(
        found, model("b"), comparisons=[pair(name, "b", advice=name)], sources=(name, "b"),
        machine=replace(MACHINE, cpu=name, peaks=PEAKS), warnings=(name,),
    )  # fmt: skip
