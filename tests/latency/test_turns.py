"""Turns, with runs on a fake clock."""

from collections import Counter

import pytest

from sepcost.latency import turns
from sepcost.latency.turns import (
    ENOUGH,
    FEWEST_ROUNDS,
    ROUNDS,
    TimedModel,
    take_turns,
    timed_model,
    warm_up,
)

MS = 1_000_000


@pytest.fixture
def clock(monkeypatch):
    """A fake clock that only runs advance."""

    class Clock:
        now = 0
        switches = 0

        def run(self, *lengths: int) -> turns.Run:
            """Return a run that takes each of these times, then the last one for ever."""
            left = list(lengths)

            def once() -> None:
                self.now += left.pop(0) if len(left) > 1 else left[0]

            return once

    made = Clock()
    monkeypatch.setattr(turns, "perf_counter_ns", lambda: made.now)
    monkeypatch.setattr(turns, "process_time_ns", lambda: made.now // 2)
    monkeypatch.setattr(turns, "preempted", lambda: made.switches)
    monkeypatch.setattr(turns, "SPLIT_SWITCHES", True)
    return made


def test_a_steady_model_is_warm_after_ten_runs(clock):
    assert warm_up(clock.run(5 * MS)) == 5 * MS
    assert clock.now == 10 * 5 * MS


def test_a_model_that_still_improves_runs_on(clock):
    lengths = [round(10 * MS * 0.9**k) for k in range(20)]
    assert warm_up(clock.run(*lengths)) == lengths[-1]
    assert clock.now > sum(lengths)


def test_warming_up_ends_after_two_seconds(clock):
    assert warm_up(clock.run(1500 * MS)) == 1500 * MS
    assert clock.now == 3000 * MS


def test_slow_models_take_no_longer_than_others_in_a_short_slice(clock):
    assert warm_up(clock.run(60 * MS), short=True) == 60 * MS
    assert clock.now == 2 * 60 * MS
    assert timed_model(lambda: None, 60 * MS, short=True).repeats == 1
    assert timed_model(lambda: None, 60 * MS).repeats == 3


@pytest.mark.parametrize(
    ("best_ns", "repeats", "discards"),
    [
        (10_000, 50, 10),  # 0.01 ms
        (300_000, 20, 4),  # 6 ms of runs after a discarded 1 ms
        (2 * MS, 3, 1),
        (95 * MS, 3, 1),
        (300 * MS, 1, 1),
    ],
)
def test_a_turn_is_6_ms_after_1_ms(best_ns, repeats, discards):
    found = timed_model(lambda: None, best_ns)
    assert (found.repeats, found.discards) == (repeats, discards)


def test_discarded_runs_are_not_timed(clock):
    one = TimedModel(clock.run(9 * MS, 2 * MS), repeats=3, discards=1)
    turns.turn(one)
    assert one.wall_ns == [2 * MS] * 3
    assert one.cpu_ns == [MS] * 3
    assert one.switches == [0] * 3


def test_switches_are_counted_in_their_run(clock):
    def run():
        clock.now += MS
        clock.switches += clock.now == 2 * MS

    one = TimedModel(run, repeats=3, discards=1)
    turns.turn(one)
    assert one.switches == [1, 0, 0]


def test_all_models_get_as_many_turns_and_the_time_is_kept(clock):
    models = [TimedModel(clock.run(2 * MS), repeats=3), TimedModel(clock.run(4 * MS), repeats=3)]
    take_turns(models, 0.3, seed=0)
    assert len(models[0].wall_ns) == len(models[1].wall_ns) == 3 * 25  # 0.6 s in rounds of 24 ms
    assert clock.now == pytest.approx(600 * MS, abs=24 * MS)


def test_rounds_are_in_random_order(clock):
    order: list[str] = []

    def run(name: str) -> turns.Run:
        def once() -> None:
            order.append(name)
            clock.now += 3 * MS

        return once

    models = [TimedModel(run(name), repeats=1, discards=0) for name in "ab"]
    take_turns(models, 0.3, seed=3)
    rounds = Counter(zip(order[::2], order[1::2], strict=True))
    assert set(rounds) == {("a", "b"), ("b", "a")}
    assert min(rounds.values()) > 25  # of 100


def test_a_slow_model_takes_three_rounds(clock):
    one = TimedModel(clock.run(1000 * MS), repeats=1)
    take_turns([one], 0.3, seed=0)
    assert len(one.wall_ns) == FEWEST_ROUNDS


def test_a_launch_is_stretched_for_undisturbed_runs_but_no_more_than_three_times(clock):
    def disturbed():
        clock.now += 10 * MS
        clock.switches += 1

    never = TimedModel(disturbed, repeats=3)
    take_turns([never], 0.3, seed=0)
    assert clock.now == pytest.approx(900 * MS, abs=40 * MS)

    clock.now = 0
    late = TimedModel(
        lambda: disturbed() if clock.now < 500 * MS else clock.run(10 * MS)(), repeats=3
    )
    take_turns([late], 0.3, seed=0)
    assert late.switches.count(0) >= ENOUGH
    assert clock.now < 800 * MS


def test_eight_rounds_at_least(clock):
    one = TimedModel(clock.run(20 * MS), repeats=3)
    take_turns([one], 0.3, seed=0)
    assert len(one.wall_ns) == 3 * ROUNDS


def test_a_short_slice_is_kept_with_fewer_rounds(clock):
    one = TimedModel(clock.run(MS), repeats=6)
    take_turns([one], 0.03, seed=0)
    assert len(one.wall_ns) == 6 * 5  # rounds of 7 ms in 30
    clock.now = 0
    slow = TimedModel(clock.run(20 * MS), repeats=4)
    take_turns([slow], 0.03, seed=0)
    assert len(slow.wall_ns) == 4 * FEWEST_ROUNDS


def test_without_time_there_are_still_the_fewest_rounds(clock):
    one = TimedModel(clock.run(MS), repeats=1)
    take_turns([one], 0.0, seed=0)
    assert len(one.wall_ns) == FEWEST_ROUNDS


def test_each_turn_reports_progress(clock):
    beats: list[int] = []
    take_turns([TimedModel(clock.run(1000 * MS))], 0.3, 0, lambda: beats.append(1))
    assert len(beats) == FEWEST_ROUNDS


def test_garbage_is_collected_again_after_an_error(clock):
    import gc

    def fails():
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - our own
        take_turns([TimedModel(fails)], 0.3, 0)
    assert gc.isenabled()
