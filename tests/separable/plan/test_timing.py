"""Times of layers: measured, remembered or discarded."""

import json
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from sepcost.cost.count import count
from sepcost.latency import machine
from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.separable.factors.blocks import Form
from sepcost.separable.factors.random_init import random_factors
from sepcost.separable.plan import layer_times
from sepcost.separable.plan.choices import Choice
from sepcost.separable.plan.layer_times import agree
from sepcost.separable.plan.menu import Option, menus, shell
from sepcost.separable.plan.timing import timed_choices, timed_menus
from sepcost.separable.settings import FORMS
from sepcost.separable.watch import Watch
from tests.separable import networks
from tests.separable.build import find


@pytest.fixture
def clock(monkeypatch, tmp_path):
    """A fake worker: 1 ns per weight element, 1 µs per Concat, plus 100 µs."""
    seen = []

    def play(job, *_):
        seen.append([model.path.stem for model in job.models])
        samples = []
        for model in job.models:
            graph = onnx.load(model.path).graph
            onnx.checker.check_model(onnx.load(model.path), full_check=True)
            size = sum(int(np.prod(t.dims)) for t in graph.initializer)
            concats = sum(node.op_type == "Concat" for node in graph.node)
            ns = 100_000 + size + 1000 * concats
            samples.append({"wall_ns": [ns] * 10, "switches": [0] * 10, "cpu_ns": []})
        return {"samples": samples}

    monkeypatch.setattr("sepcost.separable.plan.layer_times.child.execute", play)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return seen


def timed(folder, form=None, runtime=Runtime()):  # noqa: B008
    loaded = networks.classifier(folder)
    network = describe(loaded)
    rows = {row.layer.id: row.macs or 0 for row in count(network, "").rows}
    offered = menus(find(loaded).eligible, rows, FORMS)
    return timed_menus(offered, network, runtime, form, Watch())


def test_the_surroundings_are_subtracted(clock, tmp_path):
    """Only the weights and biases of b remain: 16·16·9 + 16 elements, without the 100 µs."""
    menu = timed(tmp_path)[1]
    assert menu.options[0].ns == 16 * 16 * 9 + 16


def test_only_what_is_faster_stays_and_knows_the_original(clock, tmp_path):
    for menu in timed(tmp_path):
        keep, *offers = menu.options
        assert offers
        assert all(option.ns < keep.ns == option.ns_before for option in offers)


def test_the_fastest_emitted_form_is_chosen(clock, tmp_path):
    for menu in timed(tmp_path):
        emitted = {option.emitted for option in menu.options[1:]}
        assert "concat" not in emitted
        names = [(option.form, option.rank) for option in menu.options]
        assert len(names) == len(set(names))


def test_ranks_between_the_measured_ones_are_timed_in_proportion(clock, tmp_path):
    """The fake times of a depthwise-bottleneck are those of its weights, as its MACs are."""
    menu = timed(tmp_path)[1]
    options = [o for o in menu.options if o.form is Form.DEPTHWISE_BOTTLENECK]
    assert len(options) > 3
    for option in options:
        assert option.ns == pytest.approx(option.rank * (16 + 9 + 16) + 16)
    assert len(clock[0]) < 60


def test_a_requested_form_is_used_even_if_slow(clock, tmp_path):
    ranks = [o for o in timed(tmp_path, "concat")[1].options if o.emitted == "concat"]
    assert ranks == [] or all(o.ns > 1000 for o in ranks)


def test_a_plan_made_without_times_is_given_them(clock, tmp_path):
    """Each layer gets the original's time from the menu, and the time of its choice."""
    loaded = networks.classifier(tmp_path)
    network = describe(loaded)
    chosen = [
        Choice(one, random_factors(one, shell(one, Form.DEPTHWISE_POINTWISE, 1), 0), "sum", 2, 1)
        for one in find(loaded).eligible
    ]
    found = timed_choices(chosen, network, Runtime(), Watch())
    before = [menu.options[0].ns for menu in timed(tmp_path, form="sum")]
    assert [one.ns_before for one in found] == before
    assert found[1].ns_after == 16 * 9 + 16 * 16 + 16
    assert (
        timed_choices(found, network, Runtime(), Watch(lambda step: pytest.fail(str(step))))
        == found
    )


def test_large_layers_are_timed_in_several_processes(clock, tmp_path, monkeypatch):
    one = [option.ns for menu in timed(tmp_path) for option in menu.options]
    together = list(clock)
    monkeypatch.setattr("sepcost.separable.plan.layer_times.HELD_BYTES", 1 << 17)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    other = [option.ns for menu in timed(tmp_path) for option in menu.options]
    apart = clock[len(together) :]
    assert other == one
    assert len(together) == 1 < len(apart)
    assert [name for names in apart for name in names] == together[0]


def test_branches_of_large_layers_count_as_held(tmp_path, monkeypatch):
    (_, layer) = find(networks.classifier(tmp_path), bind={"N": 1}).eligible
    value = 4 * 16 * 8 * 8  # bytes of each side; the branches have 16 channels each
    monkeypatch.setattr(layer_times, "HELD_BYTES", 2 * (6 + 2) * value)
    for rank, groups in ((2, 1), (3, 2)):
        parts = {key: (layer, Option(Form.DEPTHWISE_POINTWISE, rank, 0)) for key in "ab"}
        assert len(layer_times._groups(parts)) == groups


def test_times_are_cached_per_runtime(clock, tmp_path):
    first = timed(tmp_path)
    launches = len(clock)
    assert timed(tmp_path) == first
    assert len(clock) == launches
    timed(tmp_path, runtime=Runtime(threads=2))
    assert len(clock) > launches


def test_a_damaged_cache_is_ignored(clock, tmp_path):
    first = timed(tmp_path)
    path = tmp_path / "cache" / "sepcost" / "layers.json"
    for damage in ("{", "[]", json.dumps({"x": 1})):
        path.write_text(damage)
        assert timed(tmp_path) == first


def test_two_launches_agree_on_ratios_not_on_times():
    assert agree([[100, 300], [200, 603]])
    assert not agree([[100, 300], [200, 620]])
    assert agree([[5, 100, 300], [9, 200, 603]])


def test_times_of_another_machine_are_kept_apart(monkeypatch):
    """Even if it says the same of itself, as two boards of one kind do."""
    where = SimpleNamespace(facts=machine.facts)
    monkeypatch.setattr(layer_times, "place", lambda _: nullcontext(where))
    kept = {layer_times._place(Runtime(host=host)) for host in (None, "pi@one", "pi@two")}
    assert len(kept) == 3
