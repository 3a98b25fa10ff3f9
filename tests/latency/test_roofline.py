"""Rooflines, worked by hand at peaks of 1 GMAC/s and 1 GB/s."""

from dataclasses import replace

import pytest

import sepcost
from sepcost.latency.results import LayerTime, Peaks, Placement
from sepcost.latency.roofline import beside_cost
from sepcost.network import Role, Value
from tests.latency.models import quantised
from tests.report import bench_samples as samples
from tests.report.samples import analysis, conv_row, plain_row, unknown_row

PEAKS = Peaks(macs_per_second=1e9, bytes_per_second=1e9)


def wired(row, reads, writes):
    return replace(row, layer=replace(row.layer, reads=reads, writes=writes))


#: 18,432 MACs and 6,144 bytes: 18.432 us of arithmetic, 6.144 us of traffic.
CONV = wired(conv_row("conv", "c"), ("x", "w"), ("h",))
#: 2,048 bytes: 1,024 read, 1,024 written.
RELU = wired(plain_row("relu", "r"), ("h",), ("y",))


def timed(*nodes, us, kernel="Conv"):
    return LayerTime(nodes, kernel, "cpu", "", us * 1000, 0.5)


def layer(row, *rows, peaks=PEAKS):
    machine = replace(samples.MACHINE, peaks=peaks)
    found = samples.bench(samples.model(layers=(row,)), machine=machine)
    return beside_cost(found, [analysis(*rows)]).models[0].layers[0]


def test_a_layer_bound_by_its_arithmetic():
    found = layer(timed("c", us=36.864), CONV)
    assert (found.macs, found.bytes_moved, found.bound) == (18432, 6144, "compute")
    assert found.fraction == pytest.approx(0.5)
    assert found.macs_per_second == pytest.approx(0.5e9)


def test_a_layer_bound_by_its_traffic():
    faster = Peaks(macs_per_second=100e9, bytes_per_second=1e9)
    found = layer(timed("c", us=12.288), CONV, peaks=faster)
    assert found.bound == "memory"
    assert found.fraction == pytest.approx(0.5)


def test_a_layer_without_macs_can_only_be_bound_by_its_traffic():
    found = layer(timed("r", us=1.024), RELU)
    assert (found.macs, found.bound) == (0, "memory")
    assert found.fraction == pytest.approx(2)  # in the caches: not clipped
    assert found.macs_per_second is None


def test_values_between_fused_nodes_do_not_count_as_moved():
    found = layer(timed("c", "r", us=36.864), CONV, RELU)
    # 6,144 + 2,048 less h, which is neither written (1,024) nor read (1,024)
    assert (found.macs, found.bytes_moved) == (18432, 6144)
    assert found.fraction == pytest.approx(0.5)


def test_a_kernel_is_named_after_its_most_expensive_node():
    assert layer(timed("r", "c", us=1), RELU, CONV).name == "conv"
    nameless = replace(CONV, layer=replace(CONV.layer, name=""))
    assert layer(timed("c", us=1), nameless).name == "c"


@pytest.mark.parametrize(
    ("row", "rows"),
    [
        (timed("m_out", us=1), (unknown_row("m"),)),  # MACs unknown
        (timed("c", us=1), (replace(CONV, bytes_moved=None),)),
        (timed("c", us=0), (CONV,)),  # optimised away
        (timed(us=1, kernel="ReorderInput"), (CONV,)),
        (timed("elsewhere", us=1), (CONV,)),
    ],
    ids=["macs unknown", "bytes unknown", "no time", "layout", "no row"],
)
def test_unknown_values_leave_the_bound_unknown(row, rows):
    found = layer(row, *rows)
    assert (found.bound, found.fraction) == (None, None)


INT8 = replace(PEAKS, int8_macs_per_second=4e9)
QUANTIZE = wired(plain_row("q", "q", "QuantizeLinear"), ("h",), ("y",))


@pytest.mark.parametrize(
    ("kernel", "nodes"),
    [("QLinearConv", ("c",)), ("compiled_0", ("c", "q"))],
    ids=["a kernel for integers", "a compiled one that quantises"],
)
def test_kernels_of_integers_have_their_own_peak(kernel, nodes):
    slow = replace(INT8, bytes_per_second=1e12)
    found = layer(timed(*nodes, us=18.432, kernel=kernel), CONV, QUANTIZE, peaks=slow)
    assert (found.bound, found.fraction) == ("compute", pytest.approx(0.25))
    assert layer(timed("c", us=18.432), CONV, peaks=slow).fraction == pytest.approx(1)


def test_a_kernel_of_integers_has_no_bound_where_their_peak_is_unknown():
    found = layer(timed("c", us=18.432, kernel="QLinearConv"), CONV)
    assert (found.macs, found.bound, found.fraction) == (18432, None, None)


def test_a_quantisation_alone_is_bound_by_its_traffic():
    found = layer(timed("q", us=2.048, kernel="QuantizeLinear"), QUANTIZE, peaks=INT8)
    assert (found.bound, found.fraction) == ("memory", pytest.approx(1))


def test_a_fused_qdq_kernel_moves_integers(write):
    """Activations of 2,048 and weights of 576 bytes come in, 2,048 bytes go out, with scales."""
    found = sepcost.analyze(write(quantised(1)).path)
    ids = ("a0", "b0", "c0", "q1")
    machine = replace(samples.MACHINE, peaks=INT8)
    model = samples.model(layers=(timed(*ids, us=1, kernel="QLinearConv"),))
    (row,) = beside_cost(samples.bench(model, machine=machine), [found]).models[0].layers
    scales = 2 * (4 + 1) + (4 + 1)
    assert row.bytes_moved == 2048 + 576 + 2048 + scales


def test_without_peaks_there_is_no_roofline():
    found = layer(timed("c", us=1), CONV, peaks=None)
    assert (found.macs, found.bound) == (18432, None)


def placed(*parts, rows=(CONV, RELU)):
    found = samples.bench(samples.model(placement=parts))
    return [part.share for part in beside_cost(found, [analysis(*rows)]).models[0].placement]


def test_each_provider_has_its_share_of_the_macs():
    half = conv_row("half", "c2", macs=6144)
    parts = (Placement("openvino", 2, ("c", "r")), Placement("cpu", 1, ("c2",)))
    assert placed(*parts, rows=(CONV, RELU, half)) == pytest.approx([0.75, 0.25])


def test_one_provider_has_it_all():
    assert placed(Placement("cpu", 2, share=1.0)) == [1.0]


def test_a_model_without_macs_has_no_shares():
    parts = (Placement("openvino", 1, ("r",)), Placement("cpu", 1, ("s",)))
    assert placed(*parts, rows=(RELU,)) == [None, None]


def test_each_model_gets_its_own_analysis():
    times = (
        samples.model("a", layers=(timed("c", us=1),)),
        samples.model("b", layers=(timed("c", us=1),)),
    )
    small = replace(CONV, macs=7)
    found = beside_cost(samples.bench(*times), [analysis(CONV), analysis(small)])
    assert [model.layers[0].macs for model in found.models] == [18432, 7]


def advised(*rows, times, system="Linux 6.1 x86_64", level="all"):
    """The notes about slow layers in a model of depthwise rows."""
    found = samples.bench(
        samples.model(layers=times),
        machine=replace(samples.MACHINE, system=system),
        settings={"optimization_level": level},
    )
    counted = analysis(*rows)
    weight = Value("w", (6, 1, 3), "float32", Role.WEIGHT)
    network = replace(counted.network, values={"w": weight})
    return beside_cost(found, [replace(counted, network=network)]).models[0].warnings


def depthwise(name):
    row = conv_row(name, name)
    layer = replace(row.layer, reads=("x", "w"), weights=frozenset({1}))
    geometry = replace(row.convolution, kernel=(3,), group=8, in_channels=8, out_channels=8)
    return replace(row, layer=layer, convolution=geometry)


def test_layers_outside_the_blocked_layout_are_named_with_their_part_of_the_time():
    rows = depthwise("a"), depthwise("b"), RELU
    times = timed("a", us=1), timed("b", us=1, kernel="FusedConv")
    (line,) = advised(*rows, times=times)
    assert line.startswith("2 depthwise convolutions in 1-D")
    assert "(100% of the run)" in line
    (line,) = advised(*rows, times=times[:1])
    assert "(50% of the run)" in line


@pytest.mark.parametrize(
    "changes",
    [
        {"times": ()},  # not timed
        {"system": "Linux 6.1 aarch64"},
        {"level": "extended"},  # ONNX Runtime changes layouts at the last level only
        {"times": (replace(timed("a", us=1), provider="openvino"),)},
    ],
)
def test_layouts_matter_only_to_the_cpu_provider_of_x86(changes):
    assert not advised(depthwise("a"), **{"times": (timed("a", us=1),)} | changes)
