"""When a budget is kept, broken or unknown."""

from dataclasses import replace
from fractions import Fraction

import pytest

from sepcost.budget.judge import Evidence, Leniency, judge
from sepcost.budget.results import Facts, Reading, Status
from sepcost.cost.results import CountStatus
from tests.budget.build import budget, known, partly_known
from tests.report.samples import conv_row, plain_row

OK, FAIL, WARN, UNKNOWN = Status.OK, Status.FAIL, Status.WARN, Status.UNKNOWN


def one(asked, facts=None, leniency=None, **evidence):
    (verdict,) = judge([asked], Evidence(facts or known(), **evidence), leniency or Leniency())
    return verdict


@pytest.mark.parametrize(
    ("metric", "value", "status"),
    [
        ("macs", "36864", OK),  # 2 · 9·8·16·16, on the limit
        ("macs", "36863", FAIL),
        ("flops", "73728", OK),
        ("flops", "73727", FAIL),
        ("params", "2304", OK),
        ("params", "2303", FAIL),
        ("file-size", "1 kB", OK),
        ("file-size", "999", FAIL),
        ("separable-headroom", "5.76x", OK),  # 36,864 / 6,400
        ("separable-headroom", "5.75x", FAIL),
        ("layers", 3, OK),
        ("layers", 2, FAIL),
        ("forbid-ops", ["Loop"], OK),
        ("forbid-ops", ["Loop", "Relu"], FAIL),
        ("forbid-ops", ["C*v"], FAIL),
        ("forbid-ops", ["::Conv"], FAIL),
        ("forbid-ops", ["com.acme::*"], OK),
        ("per-layer", {"macs": "50 %"}, OK),
        ("per-layer", {"macs": "49.9 %"}, FAIL),
        ("per-layer", {"macs": "18432"}, OK),
        ("per-layer", {"macs": "18431"}, FAIL),
    ],
)
def test_a_value_on_its_limit_is_within_and_one_more_is_not(metric, value, status):
    verdict = one(budget(metric, value))
    assert (verdict.status, verdict.breaks) == (status, status is FAIL)


def test_a_warning_does_not_break():
    verdict = one(budget("macs", "1", level="warn"))
    assert (verdict.status, verdict.breaks) == (WARN, False)


def test_a_minimum_is_broken_from_below():
    limit = replace(budget("layers", 4), bound="min")
    assert one(limit).status is FAIL


@pytest.mark.parametrize("allowed", [False, True])
def test_a_lower_bound_never_passes_silently(allowed):
    verdict = one(budget("macs", "1 G"), partly_known(), Leniency(allow_unknown=allowed))
    assert (verdict.status, verdict.breaks) == (UNKNOWN, not allowed)
    remedy = "" if allowed else "; --allow-unknown passes anyway"
    assert verdict.detail == f"1 layer could not be counted{remedy}"
    assert [cause.op_type for cause in verdict.causes] == ["Mystery"]


@pytest.mark.parametrize(
    ("change", "observed", "remedy"),
    [
        (
            {"missing": ("h has no static shape",)},
            False,
            "observe = true in sepcost.toml may help, --allow-unknown passes anyway",
        ),
        (
            {"trips": None},
            False,
            "observe = true in sepcost.toml may help, --allow-unknown passes anyway",
        ),
        ({"trips": None}, True, "--allow-unknown passes anyway"),
        ({}, False, "--allow-unknown passes anyway"),  # its shapes do not fit
    ],
)
def test_observing_is_advised_where_it_helps(change, observed, remedy):
    row = conv_row("b", "b_out")
    layer = replace(row.layer, **change)
    row = replace(row, layer=layer, status=CountStatus.UNRESOLVED, macs=None, separable=None)
    verdict = one(budget("macs", "1 G"), known(conv_row("a", "a_out"), row), observed=observed)
    assert verdict.detail == f"1 layer could not be counted; {remedy}"


def test_a_lower_bound_above_the_limit_fails():
    assert one(budget("macs", "1"), partly_known()).status is FAIL


def test_a_share_of_an_unknown_total_is_unknown():
    assert one(budget("per-layer", {"macs": "1 %"}), partly_known()).status is UNKNOWN
    assert one(budget("per-layer", {"macs": "1"}), partly_known()).status is FAIL


def test_weights_are_known_even_if_operators_are_not():
    assert one(budget("params", "1152"), partly_known()).status is OK


def test_a_ratio_of_lower_bounds_is_unknown():
    assert one(budget("separable-headroom", "1x"), partly_known()).status is UNKNOWN


def test_a_model_without_a_file_has_no_file_size():
    assert one(budget("file-size", "1 GB"), known(file_bytes=None)).status is UNKNOWN


@pytest.mark.parametrize(
    ("allowed", "status"), [("+0 %", FAIL), ("+99 %", FAIL), ("+100 %", OK), ("2x", OK),
                            ("+18432", OK), ("+18431", FAIL)]
)  # fmt: skip
def test_growth_is_compared_without_rounding(allowed, status):
    before = known(conv_row("a", "a_out"))
    verdict = one(budget("macs-vs-baseline", allowed), baseline=before)
    assert verdict.status is status
    assert verdict.baseline == 18432


def test_growth_names_the_layers_that_caused_it():
    before = known(conv_row("a", "a_out"), plain_row())
    verdict = one(budget("macs-vs-baseline", "+0 %"), baseline=before)
    assert [(c.layer, c.change, c.amount) for c in verdict.causes] == [("b", "added", 18432)]


def test_an_absolute_budget_names_the_change_too_if_there_is_one():
    before = known(conv_row("a", "a_out"), plain_row())
    assert one(budget("macs", "1"), baseline=before).causes[0].change == "added"
    assert one(budget("macs", "1")).causes[0].change == ""


def test_an_uncounted_branch_is_a_cause_of_params_but_not_of_macs():
    facts = known(conv_row("a", "a_out", counted=False), conv_row("b", "b_out"))
    before = known(conv_row("b", "b_out"))
    for metric, named in (("params", ["a", "b"]), ("macs", ["b"])):
        assert [cause.layer for cause in one(budget(metric, "1"), facts).causes] == named
    assert one(budget("params", "1"), facts, baseline=before).causes[0].layer == "a"
    assert one(budget("per-layer", {"params": "1"}), facts).causes[0].layer == "a"


def test_stored_numbers_are_enough_to_compare_with():
    stored = Facts("m.onnx", {"macs": Fraction(36863)})
    verdict = one(budget("macs-vs-baseline", "+0 %"), baseline=stored)
    assert (verdict.status, verdict.causes) == (FAIL, ())


def test_without_a_baseline_nothing_passes_but_a_new_model():
    assert one(budget("macs-vs-baseline", "+0 %")).status is UNKNOWN
    fresh = one(budget("macs-vs-baseline", "+0 %"), no_baseline="new", new_is_fine=True)
    assert (fresh.status, fresh.breaks, fresh.detail) == (WARN, False, "new")


def test_a_lower_bound_is_not_a_baseline():
    assert one(budget("macs-vs-baseline", "+0 %"), baseline=partly_known()).status is UNKNOWN


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [
        (1.00, 1.05, OK),
        (1.04, 1.06, WARN),
        (1.06, 1.10, FAIL),
        (0.0, float("inf"), WARN),
    ],
)
def test_latency_fails_only_if_the_whole_interval_is_above(low, high, status):
    readings = {"latency-vs-baseline": Reading(1.05, low, high)}
    asked = budget("latency-vs-baseline", "+5 %")
    assert one(asked, measured=readings, baseline=known()).status is status


@pytest.mark.parametrize(("asked", "status"), [("warn", WARN), ("fail", FAIL), ("ok", OK)])
def test_the_status_of_an_inconclusive_measurement_is_configurable(asked, status):
    readings = {"latency": Reading(12e6, 11e6, 13e6)}
    verdict = one(budget("latency", "12 ms"), leniency=Leniency(inconclusive=asked),
                  measured=readings)  # fmt: skip
    assert (verdict.status, verdict.breaks) == (status, status is FAIL)


@pytest.mark.parametrize(("share", "status"), [(1.0, OK), (0.99, FAIL)])
def test_the_number_of_nodes_on_a_provider_is_a_minimum(share, status):
    readings = {"nodes-on-provider": Reading(share, share, share)}
    assert one(budget("nodes-on-provider", "100 %"), measured=readings).status is status


def test_an_unmeasured_value_is_unknown_and_breaks():
    verdict = one(budget("latency", "12 ms"))
    assert (verdict.status, verdict.breaks) == (UNKNOWN, True)
