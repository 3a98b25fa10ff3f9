"""Groups of samples: read, refused, and held out as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.errors import ConversionError
from sepcost.latency.jobs import Runtime
from sepcost.model.load import load
from sepcost.routes.convert import convert
from sepcost.separable.data.calibrate import open_data
from sepcost.separable.data.groups import held, of_folders
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.data.samples import Input
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import Wish, effect, reference
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from tests.separable import networks

OPEN = (Input("x", "float32", (None, 2)),)


def taken(folder, groups):
    np.savez(folder / "data.npz", x=np.zeros((len(groups), 2), np.float32), groups=groups)
    return open_data(folder / "data.npz", OPEN, ImageFormat())


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ("abcdefgh", "dh"),  # each alone: every fourth
        ("abcdabcdabcd", "d"),
        ("abcabcabc", "a"),  # none is a quarter: the smallest, here the first
        ("aabbbcccc", "a"),
        ("abcdxxxxxxxxxxxx", "d"),  # not the large one
        ("xxxxxxxxxxxxabcd", "abcd"),
        ("aaaa", ""),
    ],
)
def test_about_a_quarter_is_held_out_in_whole_groups(groups, expected):
    _, numbers = np.unique(list(groups), return_inverse=True)
    kept = held(numbers, 4)
    assert {name for name, apart in zip(groups, kept, strict=True) if apart} == set(expected)
    assert all(apart == (name in expected) for name, apart in zip(groups, kept, strict=True))


@pytest.mark.parametrize("names", [["one", "two", "three", "two"] * 8, [7, -1, 0, -1] * 8])
def test_an_archive_names_the_group_of_each_sample(tmp_path, names):
    fit, judge = taken(tmp_path, np.array(names)).split()
    both = ({names[place] for place in one.places} for one in (fit, judge))
    assert not set.intersection(*both)
    assert len(fit) + len(judge) == 32
    assert len(judge) == 8


@pytest.mark.parametrize(
    ("groups", "word"),
    [
        (np.zeros(5), "one integer or name for each of 5 samples"),
        (np.zeros((5, 1), np.int64), "of shape [5, 1]"),
        (np.zeros(5, np.int64), "only one group"),
    ],
)
def test_other_arrays_are_refused(tmp_path, groups, word):
    with pytest.raises(ConversionError, match=r"^\S+data.npz: 'groups'") as problem:
        taken(tmp_path, groups)
    assert word in str(problem.value)


def test_an_input_of_that_name_is_an_input(tmp_path):
    np.savez(tmp_path / "data.npz", groups=np.ones((8, 2), np.float32))
    data = open_data(tmp_path / "data.npz", (Input("groups", "float32", (None, 2)),), ImageFormat())
    assert data.groups is None
    assert next(data.batches())["groups"].shape == (8, 2)


def test_folders_within_class_folders_are_groups(tmp_path):
    places = ["0/film/1", "0/film/2", "0/alone", "1/film/1", "1/other"]
    files = [tmp_path / f"{place}.npy" for place in places]
    groups = of_folders(tmp_path, files)
    assert groups is not None
    assert len(set(groups)) == 4
    assert groups[0] == groups[1]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, np.zeros(2, np.float32))
    data = open_data(tmp_path, OPEN, ImageFormat())
    assert data.groups is not None
    assert data.labels is not None
    assert of_folders(tmp_path, [tmp_path / "0/a.npy", tmp_path / "1/b.npy"]) is None
    assert of_folders(tmp_path, [tmp_path / "0/all/a.npy", tmp_path / "0/all/b.npy"]) is None


def test_copies_of_held_out_samples_flatter_unless_they_are_grouped(tmp_path):
    """Of three pictures, 64 noisy copies each: what do held-out samples say of other pictures?"""
    networks.classifier(tmp_path)
    net, data, out = (tmp_path / name for name in ("net.onnx", "data.npz", "out.onnx"))
    few, groups = networks.images(3, seed=3), np.arange(192) % 3
    noise = np.random.default_rng(0).standard_normal((192, 4, 8, 8))
    pictures = (few[groups] + 0.1 * noise).astype(np.float32)
    fresh = [{"x": networks.images(512, seed=9)}]
    original = reference(["y"], runner(load(net), Runtime()), fresh, Wish())
    said, true = {}, {}
    for name, numbers in {"alone": np.arange(192), "grouped": groups}.items():
        np.savez(data, x=pictures, groups=numbers)
        asked = ConvertSettings(Goal(Aim.RANK, 1), calibrate=data, verify=False, tune=3200)
        found = convert(net, out, settings=asked, force=True)
        said[name] = found.effect.loss
        true[name] = effect(runner(load(out), Runtime()), original).loss
    assert said["alone"] < true["alone"] / 2
    assert said["grouped"] > true["grouped"]
