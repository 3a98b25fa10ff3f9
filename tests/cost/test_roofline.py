"""The shortest time of a network on a machine, worked by hand."""

import pytest

from sepcost.cost.roofline import MachinePeaks, roofline
from tests.report.samples import analysis, conv_row, plain_row, unknown_row

#: 1 MAC and 2 bytes per ns.
MACHINE = MachinePeaks("hand", 1e9, 2e9)


def test_all_macs_at_the_peak():
    found = roofline(analysis(conv_row(macs=100), conv_row(id_="o2", macs=50)), MACHINE)
    assert found.arithmetic_ns == pytest.approx(150)


def test_each_layer_takes_the_slower_of_arithmetic_and_memory():
    slow = conv_row(macs=100, bytes_moved=1000)  # 100 ns and 500 ns
    quick = conv_row(id_="o2", macs=100, bytes_moved=20)  # 100 ns and 10 ns
    found = roofline(analysis(slow, quick), MACHINE)
    assert [(round(each.ns), each.limit) for each in found.layers] == [
        (500, "memory"), (100, "compute")
    ]  # fmt: skip
    assert found.roofline_ns == pytest.approx(600)
    assert found.roofline_ns >= found.arithmetic_ns


def test_layers_without_macs_count_as_nothing():
    assert roofline(analysis(plain_row(bytes_moved=10**9)), MACHINE).roofline_ns == 0


def test_branches_that_do_not_count_take_no_time():
    assert roofline(analysis(conv_row(counted=False)), MACHINE).layers == ()


@pytest.mark.parametrize("near", ["QuantizeLinear", "DequantizeLinear"])
def test_a_quantised_model_may_run_in_integers(near):
    machine = MachinePeaks("hand", 1e9, 2e9, int8_macs_per_second=4e9)
    whole = analysis(conv_row(macs=100), plain_row(op_type=near))
    assert roofline(whole, machine).arithmetic_ns == pytest.approx(25)
    assert roofline(analysis(conv_row(macs=100)), machine).arithmetic_ns == pytest.approx(100)


def test_what_is_not_counted_makes_it_incomplete():
    assert roofline(analysis(conv_row()), MACHINE).complete
    assert not roofline(analysis(conv_row(), unknown_row()), MACHINE).complete
