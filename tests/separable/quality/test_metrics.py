"""Metrics: the original scores 1 with itself, and what a change costs is worked out by hand."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from sepcost.errors import ConversionError
from sepcost.separable.quality.classes import choose
from sepcost.separable.quality.judge import judge
from sepcost.separable.quality.metrics import METRICS, Judged, metric
from sepcost.separable.quality.parts import parts

N = 4
P = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]], np.float32)
Q = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]], np.float32)
LABELS = np.array([0, 1, 2, 1])


def judged(answers, labels=None):
    made = parts(list(answers), [list(answers.values())], [N], {})
    return Judged(N, made, choose(answers, N, labels), labels)


def test_top1_counts_labels():
    about = judged({"y": P}, LABELS)
    assert metric("top1")({"y": P}, {"y": P}, about).tolist() == [1, 1, 1, 0]
    assert metric("top1")({"y": P}, {"y": Q}, about).tolist() == [1, 0, 1, 0]


def test_agreement_needs_no_labels():
    assert metric("agreement")({"y": P}, {"y": Q}, judged({"y": P})).tolist() == [1, 0, 1, 1]


def test_agreement_of_maps_is_a_share_of_positions():
    a = np.stack([P, P[::-1]], 2)[:, :, :, None]
    b = np.stack([Q, P[::-1]], 2)[:, :, :, None]
    assert metric("agreement")({"y": a}, {"y": b}, judged({"y": a})).tolist() == [1, 0.5, 1, 1]


def test_error_is_relative_to_the_spread_of_the_worst_output():
    a = {"y": np.array([[0.0], [2], [0], [2]]), "z": P}
    b = {"y": np.array([[0.5], [2], [0], [9]]), "z": P}
    assert metric("error")(a, b, judged(a)).tolist() == [0.5, 1, 1, 0]


def test_psnr_is_a_share_of_100_db():
    a = {"y": np.array([[0.0, 1], [0, 1], [0, 1], [0, 1]])}
    b = {"y": np.array([[0.1, 1.1], [0, 1], [0.01, 1.01], [0, 1]])}
    assert np.allclose(metric("psnr")(a, b, judged(a)), [0.2, 1, 0.4, 1])


def test_text_merges_repeats_and_drops_blanks():
    def path(*steps):
        return np.eye(3)[list(steps)]

    a = np.stack(
        [path(0, 1, 1, 0, 2), path(0, 1, 0, 1, 0), path(0, 0, 0, 0, 2), path(0, 0, 0, 0, 0)]
    )
    b = np.stack(
        [path(1, 1, 0, 0, 2), path(0, 1, 1, 1, 0), path(0, 0, 2, 2, 2), path(0, 0, 0, 1, 0)]
    )
    assert metric("text")({"y": a}, {"y": b}, judged({"y": a})).tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize("name", sorted(set(METRICS) - {"top1", "boxes"}))
def test_a_model_is_as_good_as_itself(name):
    answers = {"y": np.stack([P, Q], 1)}
    assert metric(name)(answers, answers, judged(answers)).tolist() == [1] * N


def test_nothing_is_gained_on_the_original_itself():
    """A few samples show no upper bound of the loss, but agreement cannot rise above 100%."""
    (found,) = judge("agreement", judged({"y": P}), {"y": P}).qualities({"y": P})
    assert (found.loss.low, found.loss.mean) == (0, 0)
    assert found.loss.high > 0.1


def test_a_metric_that_cannot_apply_says_so():
    image = {"y": np.random.default_rng(0).random((N, 3, 5, 5))}
    for name in sorted(set(METRICS) - {"error", "psnr"}):
        with pytest.raises(ConversionError):
            metric(name)(image, image, judged(image))


def test_a_function_of_the_users_own(tmp_path, monkeypatch):
    (tmp_path / "my_metric.py").write_text(
        "def first(original, answers, labels):\n    return answers['y'][:, 0]\n"
        "def wrong(original, answers, labels):\n    return [2.0] * 4\n"
        "def short(original, answers, labels):\n    return [1.0]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert (
        metric("my_metric:first")({"y": P}, {"y": Q}, judged({"y": P})).tolist() == Q[:, 0].tolist()
    )
    for name in (
        "my_metric:wrong",
        "my_metric:short",
        "my_metric:absent",
        "no_module:x",
        "nothing",
    ):
        with pytest.raises(ConversionError, match="--metric"):
            metric(name)({"y": P}, {"y": Q}, judged({"y": P}))
    sys.modules.pop("my_metric", None)
