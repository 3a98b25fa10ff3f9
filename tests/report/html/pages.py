"""One page of each kind, and pages with hostile names."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import sepcost
from sepcost.cost.roofline import MachinePeaks, roofline
from sepcost.report.report.overview import Overview
from sepcost.separable.plan.frontier import FrontierPoint
from sepcost.separable.quality.intervals import Estimate
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from tests.budget.build import check as checked
from tests.budget.build import verdict
from tests.report import bench_samples, samples, verdict_samples
from tests.report.render import render
from tests.separable import networks

HOSTILE = (
    "</script><script>window.hacked=1</script>", "<img src=x onerror=window.hacked=1>",
    "<b>bold</b>", "<a href='javascript:window.hacked=1'>x</a>", "&lt;i&gt;&amp;", "%{x} %{y:.3f}",
    "{{ 7 * 7 }}", "<!--", "]]>", "${window.hacked=1}", "$x^2$", "a\u2028b\u2029c", "\x1b[31mred",
    "\u202eevil", "\ud800", '"quoted"', "'", "line\nbreak", "<br>", "=1+1",
)  # fmt: skip


@cache
def conversion():
    """Two converted layers, with times and a frontier as if measured."""
    with TemporaryDirectory() as folder:
        networks.classifier(Path(folder))
        source = Path(folder) / "net.onnx"
        settings = ConvertSettings(goal=Goal(Aim.RANK, 1), verify=False, skip=("b",))
        found = sepcost.convert(source, settings=settings)
    choices = tuple(replace(one, ns_before=3e6, ns_after=2e6) for one in found.plan.choices)
    before, after = bench_samples.model("original"), bench_samples.model("converted", 6e6)
    measured = bench_samples.bench(
        before, after, comparisons=[bench_samples.pair("original", "converted", 0.6)]
    )
    macs = found.before.totals.macs
    points = tuple(
        FrontierPoint(
            int(macs * (1 - share)), layers, error**2, error**2, error, None, 10e6 * (1 - share),
            1 / (1 - share), "weights",
        )
        for share, layers, error in ((0.6, 2, 0.5), (0.4, 1, 0.2), (0.0, 0, 0.0))
    )  # fmt: skip
    plan = replace(found.plan, choices=choices)
    error = Estimate(0.3, 0.28, 0.32, 4)
    effect = replace(found.effect, error=error, samples=4, batches=4)
    return replace(found, plan=plan, effect=effect, latency=measured, frontier=points)


def network(*names):
    """One convolution per name, then one layer that cannot be counted."""
    rows = [samples.conv_row(name, f"{at}_out") for at, name in enumerate(names)]
    return samples.analysis(*rows, samples.plain_row(), samples.unknown_row())


def budgets():
    return checked(*verdict_samples.every(), verdict(model="n.onnx", metric="params"))


def layered():
    return bench_samples.layered()


def compared():
    return sepcost.diff("resnet-18", "resnet-50")


PEAKS = MachinePeaks("pi5", 100e9, 20e9, provider="cpu", threads=1)


@cache
def kinds():
    """The other kinds of results of ``analyze``, by the folder of their formats."""
    small = sepcost.analyze("small-cnn")
    return {
        "memory": [small],
        "ranges": [sepcost.cost_range("small-cnn", {"N": range(1, 4)})],
        "roofline": [roofline(small, PEAKS)],
        "symbolic": [sepcost.symbolic("small-cnn")],
    }


@cache
def pages():
    """Each kind of page with the JSON document of the same result."""
    vgg = sepcost.analyze("vgg16")
    both = [vgg, sepcost.analyze("squeezenet-1.1")]
    return {
        "analyze": (render("analyze", "html", [vgg]), render("analyze", "json", [vgg])),
        "several": (render("analyze", "html", both), render("analyze", "json", both)),
        "unknown": (render("analyze", "html", [network("a")]), None),
        **{
            kind: tuple(render(kind, f, found) for f in ("html", "json"))
            for kind, found in kinds().items()
        },
        "bench": (render("bench", "html", layered()), render("bench", "json", layered())),
        "benches": (render("bench", "html", bench_samples.several()), None),
        "machine": (render("bench", "html", bench_samples.machine_alone()), None),
        "convert": (
            render("convert", "html", conversion()),
            render("convert", "json", conversion()),
        ),
        "check": (render("check", "html", budgets()), render("check", "json", budgets())),
        "diff": (render("diff", "html", compared()), render("diff", "json", compared())),
        "report": (render("report", "html", Overview(vgg, layered(), conversion())), None),
    }


NAMES = (
    "analyze", "several", "unknown", "memory", "ranges", "roofline", "symbolic", "bench", "benches",
    "machine", "convert", "check", "diff", "report",
)  # fmt: skip


def page(name):
    return pages()[name][0]


def document(name):
    return json.loads(pages()[name][1])


def hostile(name):
    """Every page with this name everywhere a model can put one."""
    analysis = network(name, "plain")
    row = replace(analysis.rows[0], reason=name)
    analysis = replace(analysis, source=name, rows=(row, *analysis.rows[1:]), warnings=(name,))
    other = samples.analysis(samples.conv_row(name, "z", macs=99), name=name)
    return {
        "analyze": render("analyze", "html", [analysis]),
        "several": render("analyze", "html", [analysis, other]),
        "roofline": render("roofline", "html", [roofline(analysis, replace(PEAKS, name=name))]),
        "bench": render("bench", "html", bench_samples.hostile(name)),
        "check": render("check", "html", verdict_samples.nasty(name)),
        "diff": render("diff", "html", sepcost.diff(analysis, other)),
    }
