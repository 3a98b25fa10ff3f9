"""What is read off a measurement."""

from sepcost.budget.results import Reading
from sepcost.evidence.measure import Request, measure
from sepcost.latency.results import Bench, Comparison, Machine, Measurement, Memory, Placement
from sepcost.latency.stats import Interval, Outcome, Samples, Statistic

TIMES = frozenset({"latency"})
LATENCY, RATIO = Interval(2e6, 1.9e6, 2.1e6), Interval(1.1, 1.08, 1.12)


def measurement(name, peak):
    return Measurement(
        name, LATENCY, (Statistic.UNDISTURBED,), {50: 2e6}, runs=9, undisturbed=1.0, create_ns=7,
        first_run_ns=8, memory=Memory(peak, 1), differences=(), samples=(Samples((2_000_000,)),),
        placement=(Placement("openvino", 3), Placement("cpu", 1)),
    )  # fmt: skip


def bench(sources, *, settings, **_):
    found = [measurement(source, 100 * (at + 1)) for at, source in enumerate(sources)]
    pair = Comparison("a", "b", RATIO, Outcome.SLOWER, 0.02, (Statistic.UNDISTURBED,))
    machine = Machine("m", "linux", "cpu", 2, 0.0, None, None)
    return Bench(
        machine, settings.providers, settings.threads, tuple(found),
        (pair,) if len(found) > 1 else (), 0.01, 1.0,
    )  # fmt: skip


def test_one_model_alone():
    assert measure(bench, Request(["new"], TIMES, provider="openvino", threads=2)) == {
        "latency": Reading(2e6, 1.9e6, 2.1e6),
        "create-time": Reading(7, 7, 7),
        "first-run": Reading(8, 8, 8),
        "peak-memory": Reading(100, 100, 100),
        "nodes-on-provider": Reading(0.75, 0.75, 0.75),
    }


def test_the_baseline_comes_first_and_the_ratio_is_new_over_old():
    found = measure(bench, Request(["old", "new"], TIMES))
    assert found["latency-vs-baseline"] == Reading(1.1, 1.08, 1.12)
    assert found["peak-memory-vs-baseline"] == Reading(2, 2, 2)
    assert found["peak-memory"].value == 200


def test_the_model_gets_its_shapes_and_the_rest_stays_out():
    asked = {}

    def spy(sources, **options):
        asked.update(options)
        return bench(sources, settings=options["settings"])

    measure(
        spy, Request(["new"], TIMES, {"bind": {"N": 2}, "baseline": "x", "trips": {"l": 1}}, "cuda")
    )
    assert asked.pop("settings").providers == ("cuda", "cpu")
    assert asked == {"bind": {"N": 2}}
