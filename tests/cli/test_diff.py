"""``sepcost diff``: output and errors."""

import json
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from sepcost.cli.app import app
from sepcost.model import spec
from tests.cli import models
from tests.evidence.repository import commit, init

RUNNER = CliRunner()


def run(*arguments, code=0, columns=None):
    result = RUNNER.invoke(app, ["diff", *arguments], env={"COLUMNS": columns, "FORCE_COLOR": None})
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    init(tmp_path)
    models.conv(tmp_path)
    models.conv(tmp_path, "old.onnx")
    commit(tmp_path)
    models.save(tmp_path, "g (float[1, 4] x) => (float[1, 4] y) { y = Relu (x) }", "m.onnx")
    return tmp_path


def test_a_model_against_itself():
    assert run("old.onnx", "old.onnx").stdout.startswith("2 unchanged\n")


def test_a_model_against_a_revision_is_the_same_as_against_its_copy():
    document = json.loads(run("git:HEAD", "m.onnx", "-f", "json").stdout)
    copy = json.loads(run("old.onnx", "m.onnx", "-f", "json").stdout)
    assert document["sources"] == ["git:HEAD", "m.onnx"]
    assert document["changes"] == copy["changes"]
    assert document["delta"]["macs"] == -18432


def test_the_table_obeys_columns():
    wide = run("old.onnx", "resnet-18", columns="160").stdout.splitlines()
    narrow = run("old.onnx", "resnet-18", columns="60").stdout.splitlines()
    assert 60 < max(map(len, wide)) <= 160
    assert max(map(len, narrow)) <= 60
    assert len([line for line in narrow if line[:1] == "+"]) > 60  # no layer is left out


def test_markdown_for_a_pull_request_goes_to_a_file():
    run("old.onnx", "m.onnx", "-f", "markdown", "-o", "diff.md")
    text = Path("diff.md").read_text()
    assert text.startswith("### `old.onnx` → `m.onnx`: 1 removed, 1 changed, 0 unchanged\n")
    assert "| `-` | `h` | Conv | −18.4 k | −1.15 k |" in text


def test_changed_weight_values_are_reported_on_request(work):
    for name, value in {"a": 1.0, "b": 2.0}.items():
        models.save(
            work,
            "g (float[1, 2] x) => (float[1, 2] z)"
            f"<float[2] w = {{{value}, 3.0}}> {{ y = Mul (x, w)  z = Relu (y) }}",
            f"{name}.onnx",
        )
    assert run("a.onnx", "b.onnx").stdout.startswith("2 unchanged\n")
    lines = run("a.onnx", "b.onnx", "--weights").stdout.splitlines()
    assert lines[0] == "1 changed, 1 unchanged"
    assert lines[-1] == "weight values differ in 1 layer"
    assert run("a.onnx", "a.onnx", "--weights").stdout.endswith("\nno weight values differ\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gone.onnx", "m.onnx"), "gone.onnx"),
        (("git:none", "m.onnx"), "revision not found"),
        (("git:HEAD", "fresh.onnx"), "git:HEAD: no file fresh.onnx at this revision"),
        (
            ("m.onnx", "git:HEAD"),
            "git:HEAD: a revision can only be OLD; write 'sepcost diff git:HEAD m.onnx'\n",
        ),
        (("git:HEAD~1", "git:HEAD"), "git:HEAD: a revision can only be OLD; NEW must be a file\n"),
        (
            ("git:HEAD:m.onnx", "m.onnx"),
            "revision not found; write git:HEAD, which means the same file at that revision\n",
        ),
        (("old.onnx", "m.onnx", "-o", "m.onnx"), "one of the sources"),
        (("old.onnx", "m.onnx", "--bind", "N=1,2"), "compares models at one size"),
        (
            ("old.onnx", "m.onnx", "--bind", "H=8"),
            "all its input sizes are fixed; diff gives both models the same sizes",
        ),
    ],
)
def test_models_that_cannot_be_compared_are_reported_in_one_line(arguments, message):
    result = run(*arguments, code=2)
    assert message in result.stderr
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)


def committed_and_mended(work, name, broken):
    """Commit a broken file, and mend it in the work tree."""
    path = work / name
    whole = path.read_bytes()
    path.write_bytes(broken(whole))
    commit(work)
    path.write_bytes(whole)


def test_a_file_that_is_broken_at_the_revision_is_called_as_it_is_there(work):
    (work / "nets").mkdir()
    (work / "nets" / "net.toml").write_bytes(spec.find("small-cnn").read_bytes())
    committed_and_mended(work, "nets/net.toml", lambda whole: b"[model]\n")
    committed_and_mended(work, "m.onnx", lambda whole: whole[:50])
    refused = run("git:HEAD~1", "nets/net.toml", code=2).stderr
    assert refused.startswith("sepcost: error: git:HEAD~1:nets/net.toml:1: model: unknown key")
    refused = run("git:HEAD", "m.onnx", code=2).stderr
    assert refused.startswith("sepcost: error: git:HEAD:m.onnx: truncated")
    refused = run("git:HEAD", "old.onnx", "--bind", "H=8", code=2).stderr
    assert refused.startswith("sepcost: error: git:HEAD:old.onnx: no dimension named 'H'")


def test_data_that_is_broken_at_the_revision_is_called_as_it_is_there(work):
    model = onnx.load("old.onnx")
    (w,) = model.graph.initializer
    w.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(w), w.name))
    onnx.save(model, "ext.onnx", save_as_external_data=True, location="d.bin", size_threshold=0)
    committed_and_mended(work, "d.bin", lambda whole: whole[:50])
    refused = run("git:HEAD", "ext.onnx", "--weights", code=2).stderr
    assert refused.startswith("sepcost: error: git:HEAD:d.bin: truncated")
