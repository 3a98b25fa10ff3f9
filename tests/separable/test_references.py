"""What a conversion says of the outputs that it judges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sepcost.errors import ConversionError
from sepcost.model.describe import describe
from sepcost.model.load import load
from sepcost.network import Role
from sepcost.routes.convert import convert
from sepcost.separable.session import open_session
from sepcost.separable.settings import Aim, ConvertSettings, Goal, Wanted
from sepcost.separable.watch import Watch
from tests.separable import networks
from tests.separable.build import parsed, saved

#: The value before the last layer is an output too, and the first.
HEADS = (
    networks.TEXT.replace("(float[N, 3] y)", "(float[N, 16] e, float[N, 3] y)")
    .replace("f = Flatten", "e = Flatten")
    .replace("Gemm (f,", "Gemm (e,")
)


def settings(data, **changes):
    return ConvertSettings(Goal(Aim.MACS, 0.5), verify=False, calibrate=data, **changes)


@pytest.fixture
def net(tmp_path):
    networks.classifier(tmp_path)
    return tmp_path / "net.onnx"


@pytest.fixture
def heads(tmp_path):
    """An embedding before the scores of the classes."""
    weights = networks.weights()
    return saved(parsed(HEADS, weights), tmp_path, "heads.onnx").path


def labels_of(folder, source, place=-1):
    from sepcost.latency.jobs import Runtime
    from sepcost.model.load import load
    from sepcost.separable.runs.activations import runner

    scores = runner(load(source), Runtime())({"x": networks.images(128)})[place]
    return networks.data(folder, 128, scores.argmax(1))


def test_an_embedding_before_the_classes_is_passed_over(tmp_path, heads):
    found = convert(heads, settings=settings(labels_of(tmp_path, heads)))
    (top1, agreement) = found.effect.qualities
    assert (top1.metric, agreement.metric) == ("top1", "agreement")
    assert top1.original.mean == 1


def test_without_labels_the_classes_can_be_named(tmp_path, heads):
    data = networks.data(tmp_path)
    assert [one.metric for one in convert(heads, settings=settings(data)).effect.qualities] == [
        "error"
    ]
    named = convert(heads, settings=settings(data, class_output="y"))
    assert [one.metric for one in named.effect.qualities] == ["agreement"]
    with pytest.raises(ConversionError, match="not an output; choose from 'e', 'y'"):
        convert(heads, settings=settings(data, class_output="z"))


@pytest.mark.parametrize("change", [lambda y: y + 1, lambda y: (y + 1) % 3, lambda y: 0 * y + 999])
def test_labels_that_cannot_fit_are_refused(tmp_path, net, change):
    data = labels_of(tmp_path, net)
    with np.load(data) as kept:
        np.savez(data, x=kept["x"], labels=change(kept["labels"]))
    with pytest.raises(ConversionError, match="labels"):
        convert(net, settings=settings(data))
    unread = convert(net, settings=settings(data, metric="agreement"))
    assert unread.effect.quality is not None


def test_class_folders_are_one_per_class_and_in_the_order_of_their_numbers(tmp_path, net):
    from sepcost.separable.data import calibrate
    from sepcost.separable.data.images import ImageFormat
    from sepcost.separable.data.samples import Input

    folder = tmp_path / "data"
    for name in ("10", "9", "2"):
        (folder / name).mkdir(parents=True)
        np.save(folder / name / "0.npy", networks.images(1)[0])
    inputs = [Input("x", "float32", (None, 4, 8, 8))]
    opened = calibrate.open_data(folder, inputs, ImageFormat())
    assert opened.labels is not None
    assert opened.labels.tolist() == [2, 0, 1]  # files in the order of their names: 10, 2, 9
    (folder / "11").mkdir()
    with pytest.raises(ConversionError, match="4 class folders, but the model has 3 classes"):
        convert(net, settings=settings(folder))


def test_labels_of_a_model_without_classes_are_noted(tmp_path):
    text = networks.TEXT.replace("y = Gemm (f, w3, b3)", "y = Identity (s)")
    text = text.replace("float[N, 3] y", "float[N, 16, 8, 8] y")
    saved(parsed(text, networks.weights()), tmp_path, "image.onnx")
    data = networks.data(tmp_path, 64, np.zeros(64, int))
    found = convert(tmp_path / "image.onnx", settings=settings(data))
    assert any("labels are not used" in note for note in found.notes)
    assert [one.metric for one in found.effect.qualities] == ["error"]


def test_a_metric_that_does_not_apply_is_refused(tmp_path, net):
    for name in ("boxes", "text", "top1", "nonsense"):
        with pytest.raises(ConversionError, match=name):
            convert(net, settings=settings(networks.data(tmp_path), metric=name))


def test_held_out_samples_are_a_real_share(tmp_path, net):
    data = networks.data(tmp_path, 256)
    assert convert(net, settings=settings(data)).effect.samples == 64


def test_goals_combine(tmp_path, net):
    data = labels_of(tmp_path, net)
    asked = replace(settings(data), also=Goal(Aim.MAX_DROP, 0.3))
    found = convert(net, settings=asked)
    assert found.missed is None
    assert found.after.totals.macs <= found.before.totals.macs / 2
    assert found.effect.quality is not None
    assert found.effect.quality.loss.high <= 0.3
    both = convert(net, settings=replace(asked, goal=Goal(Aim.MACS, 0.01)))
    assert both.missed is not None
    assert "--macs 0.01" in both.missed
    assert "closest: --max-drop 0.3 with" in both.missed
    assert "or --macs 0.01 with a loss of" in both.missed


def test_the_order_of_two_goals_changes_nothing(tmp_path, net):
    data = labels_of(tmp_path, net)
    one = settings(data, also=Goal(Aim.MAX_ERROR, 0.4))
    other = replace(one, goal=Goal(Aim.MAX_ERROR, 0.4), also=one.goal)
    a, b = (convert(net, settings=asked) for asked in (one, other))
    assert a.after.totals.macs == b.after.totals.macs


def test_large_activations_run_in_small_batches(tmp_path, monkeypatch):
    """The bound is on the sum of all activations of a run."""
    networks.classifier(tmp_path)
    asked = settings(networks.data(tmp_path, 64))
    sizes = set()
    for most in (1 << 20, 1 << 15, 1):
        monkeypatch.setattr("sepcost.separable.session.RUN_BYTES", most)
        found = open_session(tmp_path / "net.onnx", asked, Wanted(), Watch())
        sizes.add(max(len(feeds["x"]) for feeds in found.trials.chosen_on.batches))
    assert sizes == {32, 1} | {(1 << 15) // held_bytes(tmp_path)}


def held_bytes(folder):
    network = describe(load(folder / "net.onnx"))
    return sum(v.size_bytes for v in network.values.values() if v.role is Role.ACTIVATION)
