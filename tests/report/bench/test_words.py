"""Words and columns of a measurement."""

from dataclasses import replace
from math import exp, inf

import pytest

from sepcost.latency.results import Placement
from sepcost.latency.stats import Interval, Outcome, Statistic
from sepcost.report import units
from sepcost.report.bench import columns, words
from sepcost.report.columns import Style
from tests.report import bench_samples as samples


@pytest.mark.parametrize(
    ("ns", "says"),
    [
        (None, ""), (0, "0"), (3.2, "3.20 ns"), (999, "999 ns"), (1000, "1.00 µs"),
        (12_345, "12.3 µs"), (9_996_000, "10.0 ms"), (1.5e9, "1.50 s"), (4e11, "400 s"),
    ],
)  # fmt: skip
def test_durations_have_three_digits(ns, says):
    assert units.duration(ns) == says


@pytest.mark.parametrize(
    ("width", "says"),
    [(0.0123, "± 1.2%"), (0.499, "± 49.9%"), (1.0, "×/÷ 2.72"), (inf, "")],
)
def test_an_interval_is_shown_in_per_cent_while_meaningful(width, says):
    assert words.plus_minus(Interval(10, 10 * exp(-width), 10 * exp(width))) == says


def undecided(ratio):
    return replace(samples.pair(verdict=Outcome.INCONCLUSIVE), ratio=ratio)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (samples.pair(ratio=0.5), "is 2.00× as fast as {a} (95%: 1.980× to 2.020×)"),
        (
            samples.pair(ratio=1.25, verdict=Outcome.SLOWER),
            "takes 1.25× the time of {a} (95%: 1.238× to 1.262×)",
        ),
        (
            # 1 / 0.991 is 1.00908: rounded up to a tenth of a per cent, within 1%
            replace(samples.pair(verdict=Outcome.SAME), ratio=Interval(1, 0.991, 1.009)),
            "takes the same time as {a}, within 1% (95%: 0.991× to 1.009×)",
        ),
        (
            undecided(Interval(1, 0.9, 1.2)),
            "takes 0.900× to 1.200× the time of {a}: inconclusive",
        ),
        (
            undecided(Interval(1, 0, inf)),
            "takes an unknown multiple of the time of {a}: inconclusive",
        ),
    ],
)
def test_a_verdict_is_one_line(found, says):
    assert words.verdict(found) == says


@pytest.mark.parametrize(
    ("value", "says"), [(0.0123, "0.012"), (0.985, "0.985"), (9.9996, "10.0"), (122.1, "122")]
)
def test_ratios_have_the_digits_that_matter(value, says):
    assert words.factor(value) == says


def test_the_machine_in_a_line():
    assert words.machine_line(samples.one()) == (
        "AMD EPYC 9B45, 2 cores, load 0.2; ONNX Runtime 1.32.0, cpu, 1 thread"
    )
    assert words.machine_line(replace(samples.one(), threads=0)).endswith("automatic threads")


def test_the_headline_names_where_the_nodes_ran():
    on = (Placement("cuda", 2, share=1.0),)
    assert words.ran_on(samples.one()) == ""
    assert words.ran_on(samples.scattered()) == " on openvino (90.0%) and cpu (10.0%) by MACs"
    assert words.ran_on(samples.bench(samples.model(), providers=("cuda",))) == " on cpu"
    cuda = samples.model(placement=on)
    assert words.ran_on(samples.bench(cuda, providers=("cuda", "cpu"))) == " on cuda"
    both = samples.bench(cuda, samples.model("b"), providers=("cuda",))
    assert words.ran_on(both) == " on cuda and cpu"
    assert words.ran_on(samples.bench(samples.model(placement=()), providers=("cuda",))) == ""


def test_the_peaks_say_where_the_roofline_bends():
    # 2 · 100 GMAC/s over 20 GB/s is 10 FLOPs per byte
    assert words.peaks_line(samples.layered().machine) == (
        "peak 100.0 GMAC/s and 20.0 GB/s: memory-bound below 10.0 FLOPs per byte"
    )
    assert words.peaks_line(samples.MACHINE) == ""


def test_one_provider_that_runs_it_all_needs_no_words():
    assert not list(words.scattered(samples.one()))


def test_every_part_is_shown_if_providers_share_a_model():
    parts = [(part.provider, part.nodes) for _, part in words.scattered(samples.scattered())]
    assert parts == [("openvino", 5), ("cpu", 3)]


def test_only_nodes_on_unrequested_providers_have_fallen_back():
    (fallen,) = words.fallen(samples.scattered())
    assert fallen[1].layers == ("shape_1", "det_1", "fc_1")
    asked = replace(samples.scattered(), providers=("openvino", "cpu"))
    assert not list(words.fallen(asked))
    assert list(words.scattered(asked))


def test_a_model_that_ran_entirely_elsewhere_is_reported():
    found = replace(samples.one(), providers=("azure",))
    assert [part.provider for _, part in words.fallen(found)] == ["cpu"]


def test_a_model_without_known_macs_has_no_share():
    assert words.share_of(Placement("cpu", 1)) == ""


def test_the_most_expensive_rows_keep_their_order():
    rows, left = words.slowest(samples.LAYERS, 2)
    assert [row.name for row in rows] == ["block/1/pointwise", "block/1/depthwise"]
    assert left == 3
    assert words.slowest(samples.LAYERS, 0) == (samples.LAYERS, 0)


def test_fractions_beyond_the_bound_are_explained_if_there_are_any():
    compute, memory, cached, *_ = samples.LAYERS
    assert len(list(words.legend([compute, memory]))) == 1
    assert "in the caches" in list(words.legend([compute, cached]))[1]
    assert "matrix product" in list(words.legend([replace(compute, fraction=1.3)]))[1]
    assert not list(words.legend(samples.LAYERS[3:]))


def test_latency_that_is_cpu_time_is_reported():
    model = samples.model(statistics=(Statistic.UNDISTURBED, Statistic.CPU_TIME))
    (line,) = words.notes(samples.bench(model))
    assert "the latency is CPU time" in line


def test_notes_come_once_each_with_the_name_of_their_model():
    found = samples.bench(
        samples.model("a", warnings=("hot",)),
        samples.model("b", warnings=("hot",)),
        comparisons=[samples.pair("a", "b", advice="longer")],
        warnings=("busy", "busy"),
    )
    assert list(words.notes(found)) == ["busy", "a: hot", "b: hot", "b against a: longer"]


def cells(found, header):
    (column,) = [column for column in found if column.header == header]
    return column.cell


def test_layers_are_named_by_their_most_expensive_node():
    row = cells(columns.layer_columns(samples.layered().models[0], Style()), "layer")
    assert [row(layer) for layer in samples.LAYERS] == [
        "block/1/pointwise", "block/1/depthwise", "pool", "(ReorderOutput: layout)",
        "(2 nodes optimised away)",
    ]  # fmt: skip


def test_each_layer_is_compared_with_the_roofline():
    found = columns.layer_columns(samples.layered().models[0], Style())
    bound, fused, reached = (cells(found, name) for name in ("bound", "fused", "reached"))
    assert [bound(layer) for layer in samples.LAYERS] == [
        "compute 80%", "memory 50%", "memory 175%", "", "",
    ]  # fmt: skip
    assert [fused(layer) for layer in samples.LAYERS] == ["+2", "+2", "", "", ""]
    # 480 MMACs in 6 ms, 20 in 3
    assert reached(samples.LAYERS[0]) == "80.0 GMAC/s"
    assert reached(samples.LAYERS[1]) == "6.67 GMAC/s"


def test_an_absurd_fraction_is_cut():
    assert columns.bound(replace(samples.LAYERS[2], fraction=63.0)) == "memory >1000%"


def test_shares_are_those_of_the_latency():
    share = cells(columns.layer_columns(samples.layered().models[0], Style()), "share")
    assert [share(layer).strip() for layer in samples.LAYERS] == [
        "60.0%", "30.0%", "5.0%", "5.0%", "",
    ]  # fmt: skip


def test_the_provider_of_a_layer_is_shown_if_there_are_two():
    layers = (samples.LAYERS[0], replace(samples.LAYERS[1], provider="openvino"))
    for rows, rank in ((samples.LAYERS, 9), (layers, 1)):
        found = columns.layer_columns(samples.model(layers=rows), Style())
        assert next(column.rank for column in found if column.header == "provider") == rank
