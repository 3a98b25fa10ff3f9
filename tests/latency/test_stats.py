"""Statistics on synthetic samples with a known truth."""

from math import exp, inf, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.latency.stats import (
    MARGIN,
    Interval,
    Outcome,
    Samples,
    Statistic,
    bound,
    judge,
    log_interval,
    percentile,
    smallest_change,
    summarise,
    t_cdf,
    t_quantile,
)

# Two-sided 95 % and one-sided points of Student's distribution, from printed tables.
TABLE = [
    (0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 3, 3.182), (0.975, 4, 2.776),
    (0.975, 9, 2.262), (0.975, 20, 2.086), (0.975, 30, 2.042), (0.975, 120, 1.980),
    (0.95, 7, 1.895), (0.995, 3, 5.841), (0.995, 10, 3.169), (0.80, 4, 0.941),
]  # fmt: skip


@pytest.mark.parametrize(("probability", "df", "quantile"), TABLE)
def test_quantiles_are_those_of_the_printed_table(probability, df, quantile):
    assert t_quantile(probability, df) == pytest.approx(quantile, abs=5e-4)


def test_quantiles_approach_the_normal_distribution():
    assert t_quantile(0.975, 1e7) == pytest.approx(1.959964, abs=1e-5)


def test_one_degree_of_freedom_is_cauchy():
    assert t_cdf(1, 1) == pytest.approx(0.75, abs=1e-14)  # 1/2 + atan(1) / pi


@given(st.floats(0.001, 0.999), st.floats(0.5, 500))
def test_the_quantile_inverts_the_distribution(probability, df):
    assert t_cdf(t_quantile(probability, df), df) == pytest.approx(probability, abs=1e-9)


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (25, 1.75), (50, 2.5), (90, 3.7), (100, 4)])
def test_percentiles_interpolate_between_ranks(percent, value):
    assert percentile([4, 1, 3, 2], percent) == pytest.approx(value)


def test_the_interval_worked_by_hand():
    # logs 0, 0.1, 0.2: mean 0.1, s = 0.1, t(2) = 4.3027, half-width 4.3027 * 0.1 / sqrt(3)
    found = log_interval([1.0, exp(0.1), exp(0.2)])
    assert log(found.estimate) == pytest.approx(0.1)
    assert found.half_width == pytest.approx(0.24841, abs=1e-5)


def test_one_launch_has_no_interval():
    found = log_interval([5.0])
    assert (found.low, found.high) == (0.0, inf)
    assert found.estimate == pytest.approx(5)
    assert log_interval([5.0]).half_width == inf
    assert smallest_change([5.0]) == inf


def test_the_smallest_change_worked_by_hand():
    # s = 0.1, n = 3: (4.3027 + 1.0607) * 0.1 / sqrt(3) = 0.30965
    assert smallest_change([1.0, exp(0.1), exp(0.2)]) == pytest.approx(exp(0.30965) - 1, abs=1e-4)


def series(random: Random, truth: float, spread: float, most: int = 30) -> list[float]:
    """Launch as the protocol does: at least five times, then to a half-width of 1 %."""
    values = [truth * exp(random.gauss(0, spread)) for _ in range(5)]
    while log_interval(values).half_width > 0.01 and len(values) < most:
        values.append(truth * exp(random.gauss(0, spread)))
    return values


def outcomes(truth: float, spread: float, trials: int = 400) -> dict[Outcome, float]:
    random = Random(20170417)
    found = [
        judge(log_interval(series(random, truth, spread)), MARGIN * 0.01) for _ in range(trials)
    ]
    return {verdict: found.count(verdict) / trials for verdict in Outcome}


@pytest.mark.parametrize("spread", [0.003, 0.008, 0.015, 0.02])
def test_equal_models_are_the_same_in_95_of_100(spread):
    assert outcomes(1.0, spread)[Outcome.SAME] >= 0.95


@pytest.mark.parametrize("spread", [0.003, 0.008, 0.015, 0.03])
def test_a_change_of_5_per_cent_is_shown_in_90_of_100(spread):
    assert outcomes(1.05, spread)[Outcome.SLOWER] >= 0.9
    assert outcomes(1 / 1.05, spread)[Outcome.FASTER] >= 0.9


@pytest.mark.parametrize("spread", [0.003, 0.01, 0.03])
def test_the_interval_covers_the_truth_although_launches_stop_at_a_precision(spread):
    random = Random(1)
    intervals = [log_interval(series(random, 1.3, spread)) for _ in range(600)]
    covered = sum(i.low <= 1.3 <= i.high for i in intervals) / 600
    assert 0.91 <= covered <= 0.985  # 0.95, less the effect of stopping early


def test_noise_gives_no_verdict():
    assert outcomes(1.0, 0.2)[Outcome.INCONCLUSIVE] >= 0.9


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.99, 1.01, Outcome.SAME),
        (1.005, 1.015, Outcome.SAME),  # excludes 1, but the difference is negligible
        (1.005, 1.03, Outcome.SLOWER),
        (0.90, 0.95, Outcome.FASTER),
        (0.95, 1.05, Outcome.INCONCLUSIVE),
        (0.0, inf, Outcome.INCONCLUSIVE),
    ],
)
def test_verdicts(low, high, verdict):
    assert judge(Interval(1.0, low, high), margin=0.02) is verdict


def test_the_bound_is_the_same_in_both_directions():
    assert bound(Interval(1, 1 / 1.05, 1.01)) == pytest.approx(0.05)
    assert bound(Interval(1, 0.99, 1.05)) == pytest.approx(0.05)


RUNS = tuple(range(100, 120))  # first quartile 104.75, 10th percentile 101.9
QUIET = Samples(RUNS, (0,) * 20, (7,) * 20)
BUSY = Samples(RUNS, (0,) * 7 + (1,) * 13, (7,) * 20)
BUSY_THREADS = Samples(RUNS, BUSY.switches)
A_THIRD = Samples(RUNS * 2, ((0,) * 7 + (1,) * 13) * 2, (7,) * 40)
A_THIRD_THREADS = Samples(A_THIRD.wall_ns, A_THIRD.switches)


@pytest.mark.parametrize(
    ("sides", "statistic", "values"),
    [
        ([QUIET], Statistic.UNDISTURBED, (104.75,)),
        ([QUIET, BUSY], Statistic.CPU_TIME, (7, 7)),  # one statistic for both
        ([QUIET, BUSY_THREADS], Statistic.P10, (101.9, 101.9)),
        ([A_THIRD], Statistic.CPU_TIME, (7,)),  # enough undisturbed, but a minority
        ([A_THIRD_THREADS], Statistic.UNDISTURBED, (101.25,)),  # better than none
        ([Samples((5, 6, 7))], Statistic.P10, (5.2,)),  # a platform that does not count switches
    ],
)
def test_both_sides_of_a_launch_get_the_best_statistic_that_both_have(sides, statistic, values):
    found, numbers = summarise(sides)
    assert found is statistic
    assert numbers == pytest.approx(values)


def test_a_machine_of_two_speeds_does_not_move_the_estimate():
    mostly_fast = Samples((100,) * 11 + (150,) * 9, (0,) * 20)
    mostly_slow = Samples((100,) * 9 + (150,) * 11, (0,) * 20)
    assert summarise([mostly_fast, mostly_slow])[1] == (100, 100)


def test_disturbed_runs_do_not_count():
    samples = Samples((10,) * 9 + (999,) * 9, (0,) * 9 + (2,) * 9)
    assert summarise([samples]) == (Statistic.UNDISTURBED, (10,))
