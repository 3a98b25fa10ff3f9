"""The figures of a page are those of the JSON document of the same result."""

from dataclasses import replace
from typing import Any

import pytest

import sepcost
from sepcost.budget.results import Fault
from sepcost.cost.memory import live_bytes
from sepcost.report.html import charts
from sepcost.report.html.parts import Col, Table, table
from sepcost.report.ranges.words import lines
from sepcost.report.report.html import by_layer
from sepcost.report.symbolic import words as symbolic
from sepcost.report.view import Rows
from sepcost.separable.runs.output_loss import UNKNOWN
from tests.report import bench_samples, samples
from tests.report.html import pages
from tests.report.html.test_page import data
from tests.report.render import render

VGG = sepcost.analyze("vgg16")


def section(name, id_):
    return data(pages.page(name))[id_]["data"]


def column(found, title):
    (at,) = [at for at, one in enumerate(found["columns"]) if one["title"] == title]
    return [row[at] for row in found["rows"]]


def test_layers_are_those_of_analyze():
    found, (model,) = section("analyze", "m0-layers"), pages.document("analyze")["models"]
    layers = model["layers"]
    assert column(found, "layer") == [layer["name"] for layer in layers]
    for title, key in (("MACs", "macs"), ("params", "params"), ("bytes moved", "bytes_moved")):
        assert column(found, title) == [layer[key] for layer in layers]
    shares = [share for share in column(found, "share") if share]
    assert sum(shares) == pytest.approx(1)


def test_bars_are_those_of_convolutions_that_can_be_separated():
    found = section("analyze", "m0-separable")
    (model,) = pages.document("analyze")["models"]
    layers = [one for one in model["layers"] if one["separable"] and one["separable"]["eligible"]]
    assert found["before"] == [one["macs"] for one in layers]
    assert found["after"] == [one["separable"]["macs"] for one in layers]


def test_memory_is_shown_step_by_step_up_to_the_peak():
    found = section("analyze", "m0-memory")
    assert found["names"][0] == "start"
    assert found["values"] == live_bytes(VGG.network)
    assert max(found["values"]) == VGG.totals.peak_activation_bytes


def test_buffers_are_those_of_the_arena():
    found, (model,) = section("memory", "m0-buffers"), pages.document("memory")["models"]
    buffers = model["buffers"]
    assert column(found, "offset") == [one["offset"] for one in buffers]
    assert column(found, "bytes") == [one["size"] for one in buffers]


def test_the_roofline_is_that_of_each_layer():
    found, (model,) = section("roofline", "m0-layers"), pages.document("roofline")["models"]
    assert column(found, "roofline") == [one["roofline_ns"] for one in model["layers"]]
    assert column(found, "bound") == [one["limit"] for one in model["layers"]]
    assert sum(column(found, "share")) == pytest.approx(1)
    assert "100.0 GMAC/s" in pages.page("roofline")


def test_ranges_and_polynomials_are_written_as_in_the_terminal():
    (extent,), (found,) = pages.kinds()["ranges"], pages.kinds()["symbolic"]
    costs = section("ranges", "m0-costs")
    assert column(costs, "minimum") == [one.least for one in lines(extent, "macs")]
    assert column(costs, "maximum") == [one.most for one in lines(extent, "macs")]
    totals = section("symbolic", "m0-totals")
    assert column(totals, "polynomial") == [row.text for row in symbolic.totals(found, "macs")]
    shown = section("symbolic", "m0-layers")
    assert column(shown, "MACs") == [row.text for row in symbolic.layers(found, "macs")]


@pytest.mark.parametrize("kind", ["memory", "ranges", "roofline", "symbolic"])
def test_several_results_share_a_page_with_what_was_not_read(kind):
    (one,) = pages.kinds()[kind]
    fault = Fault("broken.onnx", "truncated", 2)
    text = render(kind, "html", [one, one], unread=[fault])
    assert '"m1-' in text
    assert "broken.onnx: truncated" in text
    assert "broken.onnx" not in render(kind, "html", [one, one])


def test_what_was_not_counted_is_listed():
    text = pages.page("unknown")
    assert "1 × Mystery: no formula" in text
    assert "at least" in text
    assert "Not counted" not in pages.page("analyze")


def test_the_view_chooses_the_rows():
    text = render("analyze", "html", [VGG], rows=Rows(only=["conv"], sort="macs"), top=3)
    found = data(text)["m0-layers"]["data"]
    assert column(found, "MACs") == sorted(column(found, "MACs"), reverse=True)
    assert len(found["rows"]) == 3


def test_latencies_are_those_of_bench():
    (model,) = pages.document("bench")["models"]
    bounds = [model["latency_ns"][key] for key in ("estimate", "low", "high")]
    assert section("bench", "bench-intervals")["rows"] == [[model["name"], *bounds]]
    spent = [layer["time_ns"] for layer in model["layers"]]
    assert column(section("bench", "k0-times"), "time") == spent


def test_the_roofline_has_every_kernel_that_computes():
    document = pages.document("bench")
    found = section("bench", "k0-roofline")
    layers = [one for one in document["models"][0]["layers"] if one["macs"]]
    assert [point[0] for point in found["points"]] == [
        2 * one["macs"] / one["bytes_moved"] for one in layers
    ]
    assert [point[1] for point in found["points"]] == pytest.approx(
        [2 * one["macs_per_second"] for one in layers]
    )
    assert found["flops"] == 2 * document["machine"]["peaks"]["macs_per_second"]


def test_the_distribution_rises_from_the_fastest_run_to_the_slowest():
    model = bench_samples.model()
    (found,) = charts.distribution("d", "t", [model])
    (series,) = found.data["series"]
    runs = [ns for launch in model.samples for ns in launch.wall_ns]
    assert series["ns"] == sorted(series["ns"])
    assert (series["ns"][0], series["ns"][-1]) == (min(runs), max(runs))


def test_promised_and_measured_of_each_converted_layer():
    found = section("convert", "convert-gap")
    layers = [one for one in pages.document("convert")["layers"] if one["action"] == "converted"]
    assert found["promised"] == [one["macs_before"] / one["macs_after"] for one in layers]
    assert found["measured"] == [1.5 for _ in layers]
    kept = [one for one in pages.document("convert")["layers"] if one["action"] == "kept"]
    assert column(section("convert", "convert-kept"), "reason") == [one["reason"] for one in kept]


def test_the_plan_is_drawn_where_it_was_measured():
    document = pages.document("convert")
    by_time = section("convert", "convert-by-time")
    assert by_time["chosen"][0] == pytest.approx(10e6 / document["speedup"])
    assert by_time["chosen"][1] == document["effect"]["relative_error"]
    assert [point[1] for point in by_time["points"]] == [0.5, 0.2, 0.0]
    assert section("convert", "convert-by-macs")["chosen"][0] == document["after"]["macs"]


def test_an_error_that_was_not_measured_is_not_shown():
    unseen = replace(pages.conversion(), effect=UNKNOWN)
    text = render("convert", "html", unseen)
    assert "Output error" in pages.page("convert")
    assert "Output error" not in text
    assert data(text)["convert-by-macs"]["data"]["chosen"] is None


def test_verdicts_are_those_of_check():
    found = section("check", "check-verdicts")
    verdicts = pages.document("check")["verdicts"]
    assert sorted(column(found, "metric")) == sorted(one["metric"] for one in verdicts)
    assert column(found, "status")[:2] == ["error", "fail"]


def test_changes_are_those_of_diff():
    found, document = section("diff", "diff-layers"), pages.document("diff")
    assert column(found, "MACs") == [one["delta"]["macs"] for one in document["changes"]]
    totals = section("diff", "diff-totals")
    assert column(totals, "new") == list(document["new"]["totals"].values())


def test_the_time_of_a_kernel_goes_to_its_most_expensive_node():
    rows = [
        samples.conv_row("a", "c1"), samples.plain_row("b", "b1"), samples.plain_row("r", "r1"),
        samples.conv_row("d", "d1", macs=1), samples.plain_row("s", "r2"),
    ]  # fmt: skip
    found = by_layer(samples.analysis(*rows), bench_samples.model(layers=bench_samples.LAYERS))
    assert found == {"c1": 6e6, "d1": 3e6}


def test_charts_are_capped_and_say_so():
    rows = [(f"n{at}", at, at // 2) for at in range(1000)]
    (found,) = charts.compared("c", "t", rows, ["note"])
    assert found.data["before"] == list(range(800, 1000))
    assert found.note == "note The 200 largest of 1,000."


def test_columns_that_are_empty_are_left_out():
    columns: tuple[Col[Any], ...] = (
        Col("a", "text", str),
        Col("b", "text", lambda _: ""),
        Col("c", "ns", lambda _: None),
    )
    found = Table(columns, [1, 2]).data()
    assert [one["title"] for one in found["columns"]] == ["a"]
    assert found["rows"] == [["1"], ["2"]]
    assert table("t", "t", columns, []) == ()


def test_numbers_that_json_lacks_are_left_out():
    found = Table((Col("a", "number", float),), [1.0, float("inf"), float("nan")]).data()
    assert found["rows"] == [[1.0], [None], [None]]


@pytest.mark.parametrize(("layers", "most"), [(200, 2_000_000), (5000, 6_000_000)])
def test_size(layers, most):
    found = pages.network(*(f"backbone/stage_{at}/block_{at}/conv_{at}" for at in range(layers)))
    assert len(render("analyze", "html", [found]).encode()) < most
