"""Which options are worth a descent."""

from sepcost.separable.factors.blocks import Form
from sepcost.separable.plan.menu import Option
from sepcost.separable.plan.worth import worth_a_fit
from sepcost.separable.settings import Saving

PLAIN, FREE = Form.DEPTHWISE_POINTWISE, Form.DEPTHWISE_BOTTLENECK


def test_a_start_far_above_a_cheaper_one_is_not_worth_it():
    offers = [Option(PLAIN, 1, 10), Option(PLAIN, 2, 20), Option(PLAIN, 3, 30)]
    assert worth_a_fit(offers, [0.3, 0.5, 0.1], Saving.MACS) == [0, 2]


def test_starts_close_to_each_other_are_both_worth_it():
    offers = [Option(PLAIN, 1, 10), Option(PLAIN, 2, 20)]
    assert worth_a_fit(offers, [0.3, 0.33], Saving.MACS) == [0, 1]


def test_a_depthwise_bottleneck_is_expected_to_gain_more():
    offers = [Option(PLAIN, 1, 10), Option(FREE, 8, 10)]
    assert worth_a_fit(offers, [0.3, 0.45], Saving.MACS) == [0, 1]
    assert worth_a_fit(offers, [0.45, 0.3], Saving.MACS) == [1]


def test_the_cost_may_be_time():
    offers = [Option(PLAIN, 1, 20, ns=1.0), Option(PLAIN, 2, 10, ns=2.0)]
    assert worth_a_fit(offers, [0.1, 0.5], Saving.LATENCY) == [0]
    assert worth_a_fit(offers, [0.1, 0.5], Saving.MACS) == [0, 1]
