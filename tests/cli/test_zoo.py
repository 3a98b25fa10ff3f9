"""``sepcost analyze`` and ``check`` on a folder: one row per model, also if some fail."""

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from sepcost.cli.app import app
from tests.cli import models

RUNNER = CliRunner()
BROKEN = "zoo/broken.onnx: JSON, not an ONNX model"


@pytest.fixture(autouse=True)
def zoo(tmp_path, monkeypatch):
    """Two models of one name, and a file that is not a model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zoo" / "sub").mkdir(parents=True)
    models.conv(tmp_path / "zoo")
    models.conv(tmp_path / "zoo" / "sub")
    (tmp_path / "zoo" / "broken.onnx").write_text("{}")


def run(*arguments, code):
    result = RUNNER.invoke(app, arguments, env={"COLUMNS": None, "FORCE_COLOR": None})
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("source", ["zoo", "zoo/**/*.onnx"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_every_model_has_a_row_and_every_other_file_a_reason(source, jobs):
    result = run("analyze", source, "--jobs", jobs, code=2)
    cells = [line.split()[:2] for line in result.stdout.splitlines() if line.startswith("zoo/")]
    assert cells == [
        ["zoo/m.onnx", "18.4"],
        ["zoo/sub/m.onnx", "18.4"],
        ["zoo/broken.onnx", "JSON,"],
    ]
    assert result.stderr == f"sepcost: error: {BROKEN}\n"


def test_the_error_is_in_every_format():
    document = json.loads(run("analyze", "zoo", "-f", "json", code=2).stdout)
    schema = Path(__file__).parents[2] / "sepcost" / "report" / "schemas" / "analyze-1.json"
    jsonschema.validate(document, json.loads(schema.read_text("utf-8")))
    assert document["errors"] == [
        {"source": "zoo/broken.onnx", "message": "JSON, not an ONNX model"}
    ]
    assert [each["source"] for each in document["models"]] == ["zoo/m.onnx", "zoo/sub/m.onnx"]
    rows = list(csv.DictReader(io.StringIO(run("analyze", "zoo", "-f", "csv", code=2).stdout)))
    assert [(row["source"], row["macs"], row["error"]) for row in rows] == [
        ("zoo/m.onnx", "18432", ""), ("zoo/sub/m.onnx", "18432", ""),
        ("zoo/broken.onnx", "", "JSON, not an ONNX model"),
    ]  # fmt: skip
    text = run("analyze", "zoo", "-f", "markdown", code=2).stdout
    assert "| `zoo/broken.onnx` | JSON, not an ONNX model |" in text
    assert BROKEN in run("analyze", "zoo", "-f", "html", code=2).stdout


def test_several_named_models_get_the_same_report():
    result = run("analyze", "zoo/m.onnx", "gone.onnx", code=2)
    assert result.stdout.startswith("m: 18.4 k MACs")
    assert "gone.onnx  No such file" in result.stdout


def test_a_single_unreadable_model_is_refused_in_one_line():
    result = run("analyze", "zoo/broken.onnx", code=2)
    assert (result.stdout, result.stderr) == ("", f"sepcost: error: {BROKEN}\n")


def test_if_no_model_can_be_read_only_reasons_are_reported():
    Path("zoo/m.onnx").unlink()
    result = run("analyze", "zoo/*", code=2)
    assert result.stdout.split()[:2] == ["not", "read"]


def test_a_folder_of_valid_models_exits_with_0():
    Path("zoo/broken.onnx").unlink()
    assert run("analyze", "zoo", code=0).stderr == ""


def test_user_formulas_reach_every_model(tmp_path):
    (tmp_path / "zoo_formulas.py").write_text("TABLE = {('', 'Relu'): lambda layer: 7}\n")
    arguments = ("--operators", "zoo_formulas:TABLE", "--jobs", "2", "-f", "csv")
    rows = csv.DictReader(io.StringIO(run("analyze", "zoo", *arguments, code=2).stdout))
    assert [row["macs"] for row in rows] == ["18439", "18439", ""]


def test_check_takes_a_folder():
    result = run("check", "zoo", "--max-macs", "1M", code=2)
    assert [line.split()[0] for line in result.stdout.splitlines() if "zoo/" in line] == [
        "error", "ok", "ok",
    ]  # fmt: skip


def dynamic(name, dims):
    models.save(
        Path("zoo"),
        f"""g (float[{dims}, 4] x) => (float[{dims}, 2] y)
        <float[4, 2] w = {{1, 1, 1, 1, 1, 1, 1, 1}}> {{ y = MatMul (x, w) }}""",
        name,
    )


def sized(*arguments, code):
    rows = csv.DictReader(
        io.StringIO(run("analyze", "zoo", *arguments, "-f", "csv", code=code).stdout)
    )
    return {row["source"]: row["macs"] or row["error"] for row in rows}


def test_a_size_is_for_the_models_that_have_its_name():
    Path("zoo/broken.onnx").unlink()
    dynamic("h.onnx", "1, H")
    dynamic("hw.onnx", "H, W")
    found = sized("--bind", "H=3", "--bind", "W=5", "--jobs", "2", code=0)
    assert found == {
        "zoo/h.onnx": "24", "zoo/hw.onnx": "120", "zoo/m.onnx": "18432", "zoo/sub/m.onnx": "18432",
    }  # fmt: skip
    found = sized("--shape", "x=2,3,4", code=2)
    assert found["zoo/hw.onnx"] == "48"
    assert "--shape x=2x3x4 needs" in found["zoo/m.onnx"]


def test_several_sizes_are_one_row_where_the_model_has_no_such_name():
    Path("zoo/broken.onnx").unlink()
    dynamic("h.onnx", "1, H")
    rows = run("analyze", "zoo", "--bind", "H=2,3", "-f", "csv", code=0).stdout.splitlines()
    assert [row.split(",")[2] for row in rows[1:]] == [
        "zoo/h.onnx", "zoo/h.onnx", "zoo/m.onnx", "zoo/sub/m.onnx",
    ]  # fmt: skip


def test_a_size_for_a_name_that_no_model_has_is_an_error_of_every_model():
    dynamic("h.onnx", "1, H")
    found = sized("--bind", "G=3", code=2)
    assert found["zoo/h.onnx"] == "no dimension named 'G'; choose from H"
    assert found["zoo/m.onnx"] == ("no dimension named 'G'; all its input sizes are fixed")
    assert found["zoo/broken.onnx"] == "JSON, not an ONNX model"


def test_a_name_that_only_a_faulty_model_has_is_known():
    """Each names its own fault, and the others are counted."""
    dynamic("hw.onnx", "H, W")
    found = sized("--bind", "H=3", code=2)
    assert "add --bind W=SIZE" in found["zoo/hw.onnx"]
    assert found["zoo/m.onnx"] == "18432"


def test_one_model_alone_refuses_a_name_that_it_does_not_have():
    result = run("analyze", "zoo/m.onnx", "--bind", "H=3", code=2)
    assert "no dimension named 'H'" in result.stderr
