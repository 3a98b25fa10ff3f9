"""The protocol, with a fake child and with real ones."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from sepcost.errors import BindingError, MeasurementError, ModelError, SepcostError
from sepcost.latency import machine, plugins
from sepcost.latency.jobs import Job, ModelFile
from sepcost.latency.measure import bench, creation_order
from sepcost.latency.results import Peaks
from sepcost.latency.settings import Progress, Settings
from sepcost.latency.stats import Outcome, Statistic
from tests.latency.models import HANG, HUGE, RELU, conv

QUICK = Settings(min_launches=2, max_launches=2, timeout_s=60)


class FakeChild:
    """Answers every job at once; each model takes ``times[name]`` ns ± ``spread``."""

    def __init__(self, times: Mapping[str, float], spread: float = 0.002, **probe: Any) -> None:
        self.times, self.spread, self.jobs = times, spread, list[Job]()
        self.random = Random(0)
        self.kernels: list[dict[str, Any]] = []
        self.answer = {
            "create_ns": 1, "first_run_ns": 2, "memory": [10, 20], "warnings": [],
            "placement": [["cpu", ["a", "b"]]], "differences": [], "onnxruntime": "1.0",
        } | probe  # fmt: skip

    def __call__(self, job: Job, timeout_s: float, on_stage: Any) -> Mapping[str, Any]:
        self.jobs.append(job)
        on_stage({"stage": "running", "model": job.models[0].name if job.models else ""})
        if job.task == "peaks":
            return {"macs_per_second": 1e9, "bytes_per_second": 2e9}
        if job.task == "probe":
            return self.answer
        if job.task == "profile":
            return {"layers": self.kernels, "arena": None}
        return {"samples": [self._side(model.name) for model in job.models]}

    def _side(self, name: str) -> dict[str, list[int]]:
        level = self.times[name] * (1 + self.random.gauss(0, self.spread))
        wall = [round(level * (1 + 0.01 * k)) for k in range(20)]
        return {"wall_ns": wall, "switches": [0] * 20, "cpu_ns": []}

    def launches(self) -> list[list[str]]:
        return [[m.name for m in job.models] for job in self.jobs if job.task == "launch"]


def models(*names: str) -> list[ModelFile]:
    return [ModelFile(name, Path(f"{name}.onnx"), ()) for name in names]


def test_five_launches_when_they_agree():
    child = FakeChild({"a": 1e6, "b": 8e5})
    found = bench(models("a", "b"), execute=child)
    (comparison,) = found.comparisons
    assert len(child.launches()) == 5
    assert comparison.ratio.estimate == pytest.approx(0.8, rel=0.01)
    assert comparison.verdict is Outcome.FASTER
    assert found.models[0].latency.estimate == pytest.approx(1e6, rel=0.15)
    assert found.precision <= 0.01
    assert found.models[0].statistics == (Statistic.UNDISTURBED,)


def test_launches_go_on_until_the_precision_is_reached():
    noisy = FakeChild({"a": 1e6, "b": 1e6}, spread=0.01)
    found = bench(models("a", "b"), execute=noisy)
    assert 5 < len(noisy.launches()) < 30
    assert found.precision <= 0.01


def test_the_number_of_launches_is_bounded_and_a_missed_target_is_reported():
    wild = FakeChild({"a": 1e6, "b": 1e6}, spread=0.3)
    found = bench(models("a", "b"), Settings(max_launches=7), execute=wild)
    assert len(wild.launches()) == 7
    assert any("wider than the target of ± 1% after" in line for line in found.warnings)
    assert found.comparisons[0].verdict is Outcome.INCONCLUSIVE
    assert "--max-time" in str(found.comparisons[0].advice)


def test_time_stops_it_with_two_launches():
    child = FakeChild({"a": 1e6}, spread=0.3)
    bench(models("a"), Settings(max_time_s=0), execute=child)
    assert len(child.launches()) == 2


def test_a_request_stops_it_with_two_launches():
    child = FakeChild({"a": 1e6}, spread=0.3)
    bench(models("a"), execute=child, over=lambda: True)
    assert len(child.launches()) == 2


def test_a_single_launch_is_reported_as_such():
    child = FakeChild({"a": 1e6})
    found = bench(models("a"), Settings(min_launches=1, max_launches=1), execute=child)
    assert found.models[0].latency.high == inf
    assert found.models[0].to_dict()["latency_ns"]["low"] is None  # type: ignore[index]
    assert any("one process gives no interval" in line for line in found.warnings)


def test_two_models_swap_the_order_of_creation():
    child = FakeChild({"a": 1, "b": 1})
    bench(models("a", "b"), Settings(min_launches=4, max_launches=4), execute=child)
    assert child.launches() == [["a", "b"], ["b", "a"], ["a", "b"], ["b", "a"]]


BOTH = replace(QUICK, beside=(("cuda", "cpu"),), allow_fallback=True)


def test_sets_of_providers_have_processes_of_their_own_that_take_turns():
    child = FakeChild({"a": 1e6, "b": 1e6})
    bench(models("a", "b"), BOTH, execute=child)
    ran = [(job.runtime.providers[0], [m.name for m in job.models]) for job in child.jobs]
    assert ran == [
        ("cpu", ["a"]), ("cpu", ["b"]), ("cuda", ["a"]), ("cuda", ["b"]),  # probes
        ("cpu", ["a", "b"]), ("cuda", ["a", "b"]),
        ("cuda", ["b", "a"]), ("cpu", ["b", "a"]),
    ]  # fmt: skip


def test_every_model_on_every_set_is_compared_with_the_first():
    class Slower(FakeChild):
        def __call__(self, job, timeout_s, on_stage):
            self.times = {"a": 1e6, "b": 2e6} if job.runtime.cpu_only else {"a": 4e6, "b": 8e6}
            return super().__call__(job, timeout_s, on_stage)

    found = bench(models("a", "b"), replace(BOTH, baseline=1), execute=Slower({}))
    assert [(pair.b, round(pair.ratio.estimate, 1)) for pair in found.comparisons] == [
        ("a on cpu", 0.5), ("a on cuda, cpu", 2.0), ("b on cuda, cpu", 4.0),
    ]  # fmt: skip
    assert {pair.a for pair in found.comparisons} == {"b on cpu"}
    assert found.providers == ("cpu", "cuda")
    assert [model.providers for model in found.models] == [("cpu",)] * 2 + [("cuda", "cpu")] * 2


def test_options_go_to_their_provider_alone():
    given = {"cuda": {"device_id": "1"}}
    one, two = replace(BOTH, provider_options=given).each_set()
    assert (one.provider_options, two.provider_options) == ({}, given)
    assert replace(QUICK, provider_options=given).each_set()[0].provider_options == given


def test_a_set_that_runs_nothing_is_refused_by_name():
    with pytest.raises(MeasurementError, match=r"^a on cuda, cpu: cuda ran no node"):
        bench(models("a"), replace(BOTH, allow_fallback=False), execute=FakeChild({"a": 1e6}))


@pytest.mark.parametrize("more", [{"layers": True}, {"machine": True}])
def test_layers_and_peaks_are_those_of_one_set(more):
    with pytest.raises(SepcostError, match="one set of providers"):
        bench(models("a"), replace(BOTH, **more), execute=FakeChild({"a": 1e6}))


def test_another_provider_is_compared_with_the_cpu(write):
    """The wheels of ONNX Runtime have a second provider, which runs none of the nodes."""
    if "AzureExecutionProvider" not in plugins.BUILTIN:
        pytest.skip("this ONNX Runtime has only the CPU provider")
    asked = replace(BOTH, beside=(("azure", "cpu"),), max_time_s=2)
    found = bench([write(conv(), "m")], asked)
    assert [model.name for model in found.models] == ["m on cpu", "m on azure, cpu"]
    assert [bool(model.differences) for model in found.models] == [False, True]
    assert 0.2 < found.comparisons[0].ratio.estimate < 5


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_model_is_created_at_every_place_equally_often(count):
    orders = [creation_order(count, launch) for launch in range(2 * count)]
    for place in range(count):
        assert sorted(order[place] for order in orders) == sorted([*range(count)] * 2)


def test_samples_go_to_the_model_they_were_taken_from():
    child = FakeChild({"a": 1e6, "b": 2e6, "c": 4e6})
    found = bench(models("a", "b", "c"), replace(QUICK, baseline=1), execute=child)
    assert [(c.a, c.b) for c in found.comparisons] == [("b", "a"), ("b", "c")]
    assert [c.ratio.estimate for c in found.comparisons] == pytest.approx([0.5, 2], rel=0.02)


def test_each_launch_has_another_seed_and_all_the_same_inputs():
    child = FakeChild({"a": 1e6})
    bench(models("a"), replace(QUICK, seed=7), execute=child)
    launches = [job for job in child.jobs if job.task == "launch"]
    assert [job.seed for job in launches] == [7, 7]
    assert [job.launch for job in launches] == [0, 1]


def test_nodes_that_fell_back_are_listed_and_refused_when_strict():
    placement = [["cuda", ["a"]], ["cpu", ["shape", "gather"]]]
    child = FakeChild({"m": 1e6}, placement=placement)
    settings = replace(QUICK, providers=("CUDAExecutionProvider",))
    (warning,) = bench(models("m"), settings, execute=child).models[0].warnings
    assert warning == "2 of 3 nodes fell back to cpu from cuda: shape, gather"
    with pytest.raises(MeasurementError, match="m: 2 of 3 nodes fell back") as caught:
        bench(models("m"), replace(settings, strict=True), execute=child)
    assert caught.value.exit_code == 3


def test_an_unreported_placement_is_not_trusted():
    child = FakeChild({"m": 1e6}, placement=[])
    assert bench(models("m"), QUICK, execute=child).models[0].warnings == ()
    with pytest.raises(MeasurementError, match="does not report where nodes ran"):
        bench(models("m"), replace(QUICK, providers=("cuda",), strict=True), execute=child)


@pytest.mark.parametrize(
    ("placement", "asked"),
    [
        ([["cpu", ["a"]]], ("cpu",)),
        ([["cuda", ["a"]], ["cpu", ["b"]]], ("cuda", "cpu")),
        ([["cuda", ["a"]]], ("tensorrt", "cuda")),
        ([], ("cuda",)),  # not reported
        ([["cpu", []]], ("cuda",)),  # a model without nodes
    ],
)
def test_one_node_on_the_requested_provider_is_not_a_full_fallback(placement, asked):
    child = FakeChild({"m": 1e6}, placement=placement)
    assert bench(models("m"), replace(QUICK, providers=asked), execute=child).models


@pytest.mark.parametrize("asked", [("cuda",), ("cuda", "cpu"), ("tensorrt", "cuda")])
def test_cpu_times_are_not_reported_for_another_provider(asked):
    child = FakeChild({"m": 1e6}, placement=[["cpu", ["a", "b"]]])
    settings = replace(QUICK, providers=asked)
    with pytest.raises(MeasurementError, match=r"m: .*cuda ran no node.*--allow-fallback"):
        bench(models("m"), settings, execute=child)
    assert child.launches() == []
    assert bench(models("m"), replace(settings, allow_fallback=True), execute=child).models


@pytest.mark.parametrize(("most_s", "kept"), [(60.0, True), (1.0, False)])
def test_peaks_cost_no_more_than_the_time_allowed_and_only_full_ones_are_kept(
    monkeypatch, tmp_path, most_s, kept
):
    path = tmp_path / "peaks.json"
    monkeypatch.setattr(machine, "cache_file", lambda: path)
    child = FakeChild({"m": 1e6})
    settings = replace(QUICK, machine=True, max_time_s=most_s)
    found = bench(models("m"), settings, execute=child)
    assert found.machine.peaks == Peaks(1e9, 2e9)
    assert [job.slice_s for job in child.jobs if job.task == "peaks"] == [most_s]
    assert path.exists() is kept


def test_outputs_far_from_the_cpu_are_reported():
    child = FakeChild({"m": 1e6}, differences=[["near", 1e-6], ["far", 0.02], ["nan", None]])
    warnings = bench(models("m"), QUICK, execute=child).models[0].warnings
    assert len(warnings) == 2
    assert "'far'" in warnings[0]
    assert "2.0e-02" in warnings[0]
    assert "not finite" in warnings[1]


def test_progress_shows_the_estimate_so_far():
    seen: list[Progress] = []
    bench(models("a", "b"), QUICK, seen.append, FakeChild({"a": 1e6, "b": 2e6}))
    assert [p.launch for p in seen if p.doing == "launched"] == [1, 2]
    assert seen[0].ratios == ()
    assert seen[-1].ratios[0].estimate == pytest.approx(2, rel=0.02)
    assert len(seen[-1].latencies) == 2


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(baseline=2), "baseline 2: must be the index of one of 1 models"),
        (Settings(optimization_level="O3"), "optimization level 'O3': choose from disable"),
        (Settings(precision_target=0), "--precision-target 0: expected a share above 0 and below"),
        (Settings(precision_target=1), "--precision-target 1: expected a share above 0 and below"),
        (Settings(precision_target=float("nan")), "--precision-target nan"),
        (Settings(threads=-1), "threads"),
        (Settings(percentiles=(101,)), "percentiles"),
        (Settings(providers=("cdua",)), "did you mean 'cuda'"),
        (Settings(providers=()), "provider"),
    ],
)
def test_impossible_settings_are_refused_before_anything_runs(settings, says):
    child = FakeChild({"a": 1e6})
    with pytest.raises(SepcostError, match=says):
        bench(models("a"), settings, execute=child)
    assert not child.jobs


def test_no_model_is_refused():
    with pytest.raises(SepcostError, match="no model"):
        bench([], execute=FakeChild({}))


# From here on with real sessions.


def test_one_model(write):
    found = bench([write(conv())], QUICK).models[0]
    assert found.latency.low < found.latency.estimate < found.latency.high
    assert found.launches == 2
    assert found.runs >= 48
    assert list(found.percentiles) == [50, 90, 99]
    assert found.percentiles[50] <= found.percentiles[90] <= found.percentiles[99]
    assert [(p.provider, p.share) for p in found.placement] == [("cpu", 1.0)]
    assert found.memory is not None
    assert found.memory.peak_bytes < 100e6
    assert found.warnings == ()


def test_a_model_of_a_quarter_of_the_work_is_faster(write):
    found = bench([write(conv(64, 32), "full"), write(conv(32, 32), "half")], QUICK)
    (comparison,) = found.comparisons
    assert (comparison.a, comparison.b) == ("full", "half")
    assert comparison.verdict is Outcome.FASTER
    assert comparison.ratio.high < 0.6


def test_three_models(write):
    sizes = {"large": 48, "middle": 24, "small": 12}
    found = bench([write(conv(c, 24), name) for name, c in sizes.items()], QUICK)
    assert [m.name for m in found.models] == list(sizes)
    large, middle, small = (m.latency.estimate for m in found.models)
    assert large > middle > small
    assert [c.a for c in found.comparisons] == ["large", "large"]


def test_the_document_is_plain_json(write):
    import json

    found = bench([write(conv()), write(RELU, "relu")], replace(QUICK, layers=True))
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["provider"] == "cpu"
    assert document["models"][1]["latency_ns"]["estimate"] > 0
    assert document["comparisons"][0]["verdict"] in {"faster", "slower", "inconclusive"} or (
        document["comparisons"][0]["verdict"].startswith("same within ")
    )
    shares = [row["share"] for row in document["models"][0]["layers"]]
    assert sum(shares) == pytest.approx(1)


def layered(*kernels, provider="webgpu"):
    """Profile a model of 1 ms; kernels are (operator, provider, us)."""
    child = FakeChild({"a": 1e6})
    total = sum(us for _, _, us in kernels)
    child.kernels = [
        {
            "nodes": [f"n{at}"], "kernel": kernel, "provider": name, "scope": "",
            "time_ns": us * 1e3, "share": us / total,
        }
        for at, (kernel, name, us) in enumerate(kernels)
    ]  # fmt: skip
    asked = Settings((provider,), layers=True, allow_fallback=True)
    return bench(models("a"), asked, execute=child).models[0]


@pytest.mark.parametrize(
    "waiting",
    [(), (("MemcpyToHost", "webgpu", 990),), (("Loop", "cpu", 990),)],
    ids=["launches", "a copy that waits for them", "a loop that waits for them"],
)
def test_times_of_launches_are_not_shown_as_times_of_layers(waiting):
    found = layered(("Conv", "webgpu", 4), ("Relu", "cpu", 2), *waiting)
    assert found.layers == ()
    (line,) = [line for line in found.warnings if "no times per layer" in line]
    assert f"only {6e3 / found.latency.estimate:.2%} of a run" in line
    assert "webgpu runs them asynchronously" in line


@pytest.mark.parametrize(
    ("kernels", "provider"),
    [
        ((("Conv", "cpu", 4),), "cpu"),  # the rest is ONNX Runtime's own time
        ((("fused_0", "openvino", 600), ("Relu", "cpu", 2)), "openvino"),
    ],
    ids=["the CPU times whole kernels", "more than half"],
)
def test_times_of_kernels_are_shown(kernels, provider):
    found = layered(*kernels, provider=provider)
    assert len(found.layers) == len(kernels)
    assert sum(row.time_ns for row in found.layers) == pytest.approx(found.latency.estimate)
    assert not any("no times per layer" in line for line in found.warnings)


def test_a_hanging_model_is_stopped(write):
    with pytest.raises(MeasurementError, match="hang: while running: no response for 3 s"):
        bench([write(HANG, "hang")], replace(QUICK, timeout_s=3))


def test_400_gb_are_refused(write):
    with pytest.raises(MeasurementError, match=r"huge: .*out of memory while running") as caught:
        bench([write(HUGE, "huge")], QUICK)
    assert "\n" not in str(caught.value)


def test_an_operator_that_does_not_exist_is_the_models_fault(write):
    model = write("net (float[1] x) => (float[1] y) { y = Magic (x) }")
    with pytest.raises(ModelError, match=r"model: ONNX Runtime .*Magic") as caught:
        bench([model], QUICK)
    assert "[ONNXRuntimeError]" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
def test_same_padding_of_a_dilated_convolution_is_explained(write, mode):
    """Other inputs do not help: ONNX Runtime's CPU kernels refuse it whatever they are fed."""
    kernel = f'kernel_shape = [3], dilations = [2], auto_pad = "{mode}"'
    weight = ", ".join(["1"] * 48)
    model = write(
        f"net (float[1,4,9] x) => (float[1,4,9] y) <float[4,4,3] w = {{{weight}}}>"
        f"{{ y = Conv <{kernel}> (x, w) }}"
    )
    with pytest.raises(ModelError, match="explicit pads: 'sepcost convert' writes them") as caught:
        bench([model], QUICK)
    assert "--inputs" not in str(caught.value)


def test_a_file_that_is_not_a_model(tmp_path):
    path = tmp_path / "text.onnx"
    path.write_text("hello")
    with pytest.raises(ModelError, match=r"text: ONNX Runtime .* cannot run it"):
        bench([ModelFile("text", path, ())], QUICK)


def test_the_users_own_inputs(write, tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.ones((1, 8), np.float32))
    found = bench([write(RELU)], replace(QUICK, inputs=path))
    assert found.settings["inputs"] == str(path)


def test_wrong_inputs_are_the_users_fault(write, tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.ones((1, 9), np.float32))
    with pytest.raises(
        BindingError, match=r"x\.npz: input 'x' has shape 1x9, but the model takes 1x8"
    ):
        bench([write(RELU)], replace(QUICK, inputs=path))


def test_a_missing_provider_names_what_to_install(write):
    pytest.importorskip("onnxruntime")
    with pytest.raises(MeasurementError, match=r"'dnnl' is not installed .*--use_dnnl") as caught:
        bench([write(RELU)], replace(QUICK, providers=("dnnl",)))
    assert caught.value.exit_code == 3


def test_a_provider_that_runs_no_node_is_refused_unless_allowed(write):
    import onnxruntime

    if "AzureExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has no provider that takes no node")
    settings = replace(QUICK, providers=("azure",))
    with pytest.raises(MeasurementError, match="azure ran no node: all ran on cpu") as caught:
        bench([write(conv())], settings)
    assert caught.value.exit_code == 3
    settings = replace(settings, allow_fallback=True)
    (found,) = bench([write(conv())], settings).models
    assert found.placement[0].provider == "cpu"
    assert "fell back to cpu from azure" in found.warnings[0]
    assert [d.relative_error for d in found.differences] == [0.0]
    with pytest.raises(MeasurementError, match="refused by --strict"):
        bench([write(conv())], replace(settings, strict=True))
