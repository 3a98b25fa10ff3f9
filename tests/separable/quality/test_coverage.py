"""Intervals of a real conversion cover what it loses on fresh samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sepcost.latency.jobs import Runtime
from sepcost.model.load import load
from sepcost.routes.convert import convert
from sepcost.separable.quality.answers import gathered
from sepcost.separable.quality.intervals import paired_loss, root_mean
from sepcost.separable.quality.metrics import metric
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import Wish, reference, scored
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from sepcost.separable.verify import outputs

TRAINED = Path(__file__).parents[4] / "shared" / "trained"
DRAWS = 400

pytestmark = pytest.mark.skipif(not TRAINED.exists(), reason="needs ../shared")


@pytest.fixture(scope="module", params=[0.5, 0.2])
def judged(request, tmp_path_factory):
    """The answers of the original for all fresh images, and of a model converted blind."""
    target = tmp_path_factory.mktemp("coverage") / "out.onnx"
    goal = Goal(Aim.MACS, request.param)
    convert(
        TRAINED / "digits.onnx", target, settings=ConvertSettings(goal, verify=False), force=True
    )
    before, after = load(TRAINED / "digits.onnx"), load(target)
    with np.load(TRAINED / "digits_eval.npz") as data:
        images, labels = data["images"].astype(np.float32), data["labels"]
    feeds = [{before.proto.graph.input[0].name: images}]
    wish = Wish("top1", labels=labels)
    original = scored(reference(outputs(before), runner(before, Runtime()), feeds, wish), wish)
    answers = gathered(original.names, [runner(after, Runtime())(feeds[0])], original.rows)
    return original, answers


@pytest.mark.parametrize("n", [10, 30, 100, 300, 1000])
@pytest.mark.parametrize("name", ["top1", "agreement"])
def test_a_loss_lies_within_its_interval(judged, name, n):
    original, answers = judged
    known = original.judge
    assert known is not None
    before = metric(name)(known.original, known.original, known.judged)
    after = metric(name)(known.original, answers, known.judged)
    true, random, covered = float(np.mean(before - after)), np.random.default_rng(n), 0
    for _ in range(DRAWS):
        drawn = random.integers(len(before), size=n)
        found = paired_loss(before[drawn], after[drawn])
        covered += found.low <= true <= found.high
    assert covered / DRAWS >= 0.93


@pytest.mark.parametrize("n", [30, 100, 300, 1000])
def test_an_error_lies_within_its_interval(judged, n):
    original, answers = judged
    known = original.judge
    assert known is not None
    (part,) = original.parts
    squares = part.squared_errors(known.original[part.name], answers[part.name])
    true, random, covered = float(np.sqrt(squares.mean())), np.random.default_rng(n), 0
    for _ in range(DRAWS):
        found = root_mean(squares[random.integers(len(squares), size=n)])
        covered += found.low <= true <= found.high
    assert covered / DRAWS >= 0.93
