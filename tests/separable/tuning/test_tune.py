"""Tuning a small classifier: it answers more like the original, and always in the same way."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.separable.factors.kernels import Form
from sepcost.separable.find.context import context
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import Wish, effect, reference
from sepcost.separable.tuning import tune as module
from sepcost.separable.tuning.distance import seeds
from sepcost.separable.tuning.graphs import graphs
from sepcost.separable.tuning.lesson import features, lesson
from sepcost.separable.tuning.student import student
from sepcost.separable.tuning.tune import opened, pass_seconds, rate, tune
from sepcost.separable.watch import Watch
from tests.separable import networks
from tests.separable.build import Chosen
from tests.separable.tuning.lessons import task


def arrays(factors):
    return factors.spatial, factors.pointwise, factors.bias


def taught_by(made):
    taught = opened(made)
    assert taught is not None
    return taught


def tuned(made):
    return tune(made, taught_by(made))


def lost(made, factors):
    """Mean loss on samples that are not in the pool."""
    loaded = made.context.loaded
    feeds = [{"x": networks.images(64, seed=9)}]
    original = reference(["y"], runner(loaded, Runtime()), feeds, Wish())
    choices = [
        Chosen(one.candidate, factors.get(one.candidate.id, one.factors), one.form_emitted)
        for one in made.choices
    ]
    return effect(runner(separate(loaded, choices), Runtime()), original).loss


@pytest.mark.parametrize("form", [Form.DEPTHWISE_POINTWISE, Form.POINTWISE_DEPTHWISE])
def test_the_network_answers_more_like_the_original(tmp_path, form):
    made = task(tmp_path, form=form, passes=3200)
    assert lost(made, tuned(made).factors) < 0.7 * lost(made, {})


def test_gradients_of_the_whole_loss_are_its_differences(tmp_path):
    """KL at the temperature, and the features behind both convolutions."""
    made = task(tmp_path, count=8)
    built = student(made.context.observed, made.choices, [])
    taught = lesson(built, made.context, made.data, made.sizes, np.random.default_rng(0))
    assert taught is not None
    assert taught.stepper.graphs.features == ("r", "s")
    feeds = {"x": networks.images(5, seed=4)}
    answers = taught.answers(feeds)
    found = taught.stepper.gradients(
        built.weights, feeds, answers, taught.scales,
        lambda outputs: seeds(made.parts, answers, outputs, 5),
    )  # fmt: skip
    wanted = ["y", "r", "s"]

    def loss(weights):
        proto = type(built.loaded.proto)()
        proto.CopyFrom(built.loaded.proto)
        for tensor in proto.graph.initializer:
            if tensor.name in weights:
                tensor.raw_data = weights[tensor.name].astype(np.float32).tobytes()
        model = type(built.loaded)("moved", built.loaded.source, proto, complete=True)
        y, *inner = runner(model, Runtime(), wanted)(feeds)
        p, q = (np.exp(z / 2) / np.exp(z / 2).sum(1, keepdims=True) for z in (answers["y"], y))
        total = 4 * float((p * np.log(p / q)).sum())
        for name, value in zip(wanted[1:], inner, strict=True):
            gap = value.astype(np.float64) - answers[name]
            total += taught.scales[name] / 2 * float((gap**2).sum())
        return total

    random = np.random.default_rng(1)
    for name, weight in built.weights.items():
        way = random.standard_normal(weight.shape)
        step = 1e-2 / np.linalg.norm(way)
        up, down = (loss({**built.weights, name: weight + sign * step * way}) for sign in (1, -1))
        slope = float((found[name] * way).sum())
        assert slope == pytest.approx((up - down) / (2 * step), rel=0.02, abs=2e-3), name


def test_a_seed_repeats_every_byte_on_any_number_of_cores(tmp_path, monkeypatch):
    made = task(tmp_path, passes=192)
    monkeypatch.setattr(module, "cores", lambda: 1)
    alone = tuned(made).factors
    monkeypatch.setattr(module, "cores", lambda: 3)
    together = tuned(made).factors
    assert alone.keys() == together.keys()
    for name, one in alone.items():
        for a, b in zip(arrays(one), arrays(together[name]), strict=True):
            assert np.array_equal(a, b)


def test_without_choices_there_is_nothing_to_open(tmp_path):
    assert opened(task(tmp_path, choices=[])) is None


@pytest.mark.parametrize(
    ("steps", "left_out"), [(0, "tuning"), (1, "75% of the tuning"), (2, "50% of the tuning")]
)
def test_only_the_passes_that_ran_are_counted(tmp_path, steps, left_out):
    asked = iter([False] * steps)
    watch = Watch(asked=lambda: next(asked, True))
    found = tuned(task(tmp_path, passes=64, watch=watch))
    assert (found.passes, watch.left_out) == (16 * steps, [left_out])


def test_timing_a_pass_does_not_change_what_tuning_makes(tmp_path):
    made = task(tmp_path, passes=64)
    taught = taught_by(made)
    assert 0 < pass_seconds(made, taught) < 10
    after, plain = tune(made, taught).factors, tuned(made).factors
    for name, one in plain.items():
        for a, b in zip(arrays(one), arrays(after[name]), strict=True):
            assert np.array_equal(a, b)


def test_one_choice_of_two_is_tuned_with_the_other_as_it_is(tmp_path):
    made = task(tmp_path, passes=64)
    alone = task(tmp_path, passes=64, choices=made.choices[1:])
    assert set(tuned(alone).factors) == {made.choices[1].candidate.id}


def test_features_are_behind_the_activation(tmp_path):
    made = task(tmp_path, count=8)
    built = student(made.context.observed, made.choices, [])
    network = describe(built.loaded, **made.sizes)
    assert features(built, made.context, network) == ["r", "s"]
    found = graphs(built, context(built.loaded, network), ["r", "s"])
    assert set(found.results) == set(built.weights)


def test_the_rate_rises_and_falls():
    course = [rate(1.0, step / 100, 100) for step in range(100)]
    assert course[0] == pytest.approx(0.2)
    assert max(course) == pytest.approx(course[5], rel=0.02)
    assert course[-1] < 1e-3
