"""A file appears whole or not at all."""

import io
import os
import stat
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sepcost.cli.app import app
from sepcost.cli.output import emit, write

posix = pytest.mark.skipif(os.name != "posix", reason="permissions, links and pipes of POSIX")


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "r.json"
    path.write_text("old")
    write(b"new", path)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "r.json"
    path.write_text("old")

    def refuse(*_):
        raise OSError("no")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no"):
        write(b"new", path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "−1.5 ≤ 2"), ("cp1252", "-1.5 ? 2"), ("ascii", "-1.5 ? 2")]
)
def test_a_negative_number_keeps_its_sign_in_any_encoding(monkeypatch, encoding, shown):
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    emit("−1.5 ≤ 2", None)
    assert stream.buffer.getvalue().decode(encoding) == shown


@posix
def test_permissions_are_those_of_the_file_before(tmp_path):
    path = tmp_path / "r.json"
    path.write_text("old")
    path.chmod(0o640)
    write(b"new", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@posix
def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    write(b"new", tmp_path / "r.json")
    assert (tmp_path / "r.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


@posix
def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write(b"new", link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@posix
def test_a_device_is_written_to():
    write(b"gone", Path(os.devnull))
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", "small-cnn", "-o", "out.onnx"),
        ("diff", "small-cnn", "small-cnn", "--report", "out.ONNX"),
        ("check", "small-cnn", "--max-macs", "1G", "-f", "html=out.onnx"),
    ],
)
def test_a_report_is_not_written_to_a_file_named_like_a_model(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "a report's file name must not end in" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_model_is_not_written_to_a_file_named_like_a_report(tmp_path):
    path = tmp_path / "out.html"
    result = CliRunner().invoke(app, ["networks", "small-cnn", "-o", str(path)])
    assert result.exit_code == 2
    assert "a model's file name must not end in" in result.stderr
    assert not path.exists()


@pytest.mark.parametrize("option", ["-o", "--output", "-r", "--report"])
def test_a_report_goes_to_the_file_of_either_option(option, tmp_path):
    path = tmp_path / "out.csv"
    result = CliRunner().invoke(app, ["analyze", "small-cnn", "-f", "csv", option, str(path)])
    assert result.exit_code == 0
    assert path.read_text().startswith("model,")
