"""Folders and globs expand to the files in them."""

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
def test_a_folder_expands_to_the_onnx_files_below_it(source):
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
def test_a_glob_expands_to_the_files_that_it_matches(source, names):
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


def test_a_file_counts_once_however_its_path_is_written():
    assert expanded(["zoo", "./zoo/*.onnx"]).names == expanded(["zoo"]).names


@pytest.mark.parametrize(
    ("source", "why"), [("empty", "contains no file whose name ends in .onnx"), ("x*", "matches")]
)
def test_an_empty_folder_or_glob_is_refused(zoo, source, why):
    (zoo / "empty").mkdir()
    with pytest.raises(ModelError) as caught:
        expanded([source])
    assert str(caught.value).startswith(f"{source}: {why}")


def test_what_is_there_and_cannot_be_read_is_not_left_out(zoo):
    (zoo / "zoo" / "gone.onnx").symlink_to("nowhere")
    os.mkfifo(zoo / "zoo" / "pipe.onnx")
    for source in ("zoo", "zoo/*.onnx"):
        assert {"zoo/gone.onnx", "zoo/pipe.onnx"} <= set(expanded([source]).names)


@pytest.mark.parametrize("source", ["zoo", "zoo/**/*.onnx", "**/sub/**/*"])
def test_links_do_not_lead_in_circles(zoo, source):
    for at in range(3):
        (zoo / "zoo" / "sub" / f"loop{at}").symlink_to(zoo / "zoo")
    found = [name for name in expanded([source]).names if name.endswith("c.onnx")]
    assert found == ["zoo/sub/c.onnx"]


def test_a_link_that_is_named_is_followed(zoo):
    (zoo / "link").symlink_to(zoo / "zoo")
    for source in ("link", "link/**/*.onnx", "lin?/**/*.onnx"):
        assert "link/sub/c.onnx" in expanded([source]).names


def test_a_folder_called_like_a_model_is_a_folder(zoo):
    (zoo / "zoo" / "dir.onnx").mkdir()
    (zoo / "zoo" / "dir.onnx" / "inner.onnx").touch()
    assert "zoo/dir.onnx/inner.onnx" in expanded(["zoo"]).names
    assert "zoo/dir.onnx" not in expanded(["zoo/*.onnx"]).names


def test_hidden_files_are_meant_only_where_the_pattern_says_so(zoo):
    (zoo / "zoo" / ".h.onnx").touch()
    assert "zoo/.h.onnx" not in expanded(["zoo"]).names
    assert expanded(["zoo/.*.onnx"]).names == ("zoo/.h.onnx",)
    assert expanded(["zoo/.git/*"]).names == ("zoo/.git/d.onnx",)


def test_a_folder_that_cannot_be_read_is_a_source_of_its_own(zoo, monkeypatch):
    """It becomes a row with its reason instead of being left out silently."""
    listed = os.listdir

    def refusing(folder):
        if str(folder).endswith("sub"):
            raise PermissionError(13, "Permission denied", folder)
        return listed(folder)

    monkeypatch.setattr(os, "listdir", refusing)
    assert expanded(["zoo"]).names == ("zoo/a.ONNX", "zoo/b.onnx", "zoo/sub")


def test_an_absolute_glob(zoo):
    assert expanded([f"{zoo}/zoo/b*"]).names == (f"{zoo}/zoo/b.onnx",)
