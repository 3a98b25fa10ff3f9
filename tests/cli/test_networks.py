"""``sepcost networks``: the list and the files of shipped networks."""

import onnx
from typer.testing import CliRunner

import sepcost
from sepcost.cli.app import app

RUNNER = CliRunner()


def run(*arguments):
    return RUNNER.invoke(app, ["networks", *arguments], env={"COLUMNS": None})


def test_the_list_names_each_with_its_cost():
    lines = run().stdout.splitlines()
    assert any(line.split()[:5] == ["mobilenet-v1", "568.7", "M", "4.25", "M"] for line in lines)


def test_a_spec_is_shown_to_start_from():
    result = run("small-cnn")
    assert result.exit_code == 0
    assert "layers" in result.stdout


def test_a_written_network_counts_the_same(tmp_path):
    path = tmp_path / "small.onnx"
    assert run("small-cnn", "-o", str(path)).exit_code == 0
    onnx.checker.check_model(onnx.load(path), full_check=True)
    assert sepcost.analyze(path).totals == sepcost.analyze("small-cnn").totals


def test_multipliers(tmp_path):
    path = tmp_path / "thin.onnx"
    run("small-cnn", "-o", str(path), "--alpha", "0.5")
    assert sepcost.analyze(path).totals.macs == sepcost.analyze("small-cnn", alpha=0.5).totals.macs


def test_nothing_is_overwritten_without_force(tmp_path):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"precious")
    result = run("small-cnn", "-o", str(path))
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert path.read_bytes() == b"precious"
    assert run("small-cnn", "-o", str(path), "--force").exit_code == 0
    assert path.read_bytes() != b"precious"


def test_a_folder_is_not_a_file_that_exists(tmp_path):
    assert "a folder; name a file in it" in run("small-cnn", "-o", str(tmp_path)).stderr


def test_a_wrong_name_is_one_line():
    result = run("mobilenet-v9")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


def test_multipliers_without_a_target_are_refused():
    assert run("small-cnn", "--alpha", "0.5").exit_code == 2
    assert run("--alpha", "0.5").exit_code == 2
