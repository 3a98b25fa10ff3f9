"""The protocol of the benchmarks: the order of runs, and their ratios."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.rounds import Sample, compared, interleave, spread, tidy

TIMES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=9)


def sides(log, **failing):
    """Sides that log their runs; ``failing`` maps a side to the turn in which it fails."""
    numbers = {name: count() for name in "abc"}

    def run(name):
        log.append(name)
        if next(numbers[name]) == failing.get(name):
            return Sample(failed="exit code 1")
        return Sample({"wall_s": float(len(log))})

    return {name: lambda name=name: run(name) for name in "abc"}


def test_each_round_runs_every_side_and_begins_with_another():
    log: list[str] = []
    samples = interleave(sides(log), 3)
    rounds = ["".join(log[k : k + 3]) for k in range(0, 12, 3)]
    assert all(sorted(one) == list("abc") for one in rounds)
    assert rounds[1:] == ["abc", "bca", "cab"]
    assert {len(runs) for runs in samples.values()} == {3}  # the first round only warms


def test_a_side_that_fails_is_not_run_again_and_says_why():
    log: list[str] = []
    found = compared(interleave(sides(log, b=1), 4), "a")
    assert log.count("b") == 2
    assert found["b"] == {"failed": "exit code 1"}
    assert found["a"]["ratios"]["wall_s"] == [1, 1, 1]


def test_without_the_base_there_are_no_ratios():
    found = compared(interleave(sides([], a=0), 2), "a")
    assert "ratios" not in found["c"]
    assert len(found["c"]["runs"]) == 2


def test_a_slow_round_leaves_the_ratio_alone():
    base = [Sample({"wall_s": t}) for t in (1.0, 10.0, 1.0)]
    twice = [Sample({"wall_s": 2 * t}) for t in (1.0, 10.0, 1.0)]
    assert compared({"ours": base, "theirs": twice}, "ours")["theirs"]["ratios"]["wall_s"] == [
        2,
        2,
        2,
    ]


@given(TIMES)
def test_a_spread_is_in_order_and_within_the_values(values):
    low, middle, high = spread(values)
    assert tidy(min(values)) == low <= middle <= high == tidy(max(values))
