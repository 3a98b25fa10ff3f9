"""Folders and globs stand for the files in them."""

import os

import pytest

from sepcost.errors import ModelError
from sepcost.evidence.sources import expanded


@pytest.fixture(autouse=True)
def zoo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("zoo/b.onnx", "zoo/a.ONNX", "zoo/sub/c.onnx", "zoo/.git/d.onnx", "zoo/e.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize("source", ["zoo", "zoo/", "./zoo"])
def test_a_folder_stands_for_the_onnx_files_below_it(source):
    found = expanded([source])
    assert [os.path.normpath(name) for name in found.names] == [
        "zoo/a.ONNX", "zoo/b.onnx", "zoo/sub/c.onnx",
    ]  # fmt: skip
    assert found.several


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("zoo/*.onnx", ("zoo/b.onnx",)),
        ("zoo/**/*.onnx", ("zoo/b.onnx", "zoo/sub/c.onnx")),
        ("zoo/[ab].*", ("zoo/a.ONNX", "zoo/b.onnx")),
    ],
)
def test_a_glob_stands_for_the_files_that_it_matches(source, names):
    assert expanded([source]).names == names


def test_a_file_that_is_called_like_a_glob_is_a_file(zoo):
    (zoo / "m[1].onnx").touch()
    found = expanded(["m[1].onnx"])
    assert (found.names, found.several) == (("m[1].onnx",), False)


def test_named_files_stay_and_duplicates_count_once():
    found = expanded(["vgg16", "gone.onnx", "-", "vgg16", "zoo/*.onnx", "zoo"])
    assert found.names == (
        "vgg16", "gone.onnx", "-", "vgg16", "zoo/b.onnx", "zoo/a.ONNX", "zoo/sub/c.onnx",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "why"), [("empty", "contains no file whose name ends in .onnx"), ("x*", "matches")]
)
def test_an_empty_folder_or_glob_is_refused(zoo, source, why):
    (zoo / "empty").mkdir()
    with pytest.raises(ModelError) as caught:
        expanded([source])
    assert str(caught.value).startswith(f"{source}: {why}")
