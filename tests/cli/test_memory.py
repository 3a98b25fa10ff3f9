"""``sepcost analyze --memory``: the arena and its offsets."""

import csv
import io
import json
from importlib.resources import files

import jsonschema
import pytest
from typer.testing import CliRunner

import sepcost
from sepcost.cli.app import app
from tests.cli import models

RUNNER = CliRunner()
SCHEMA = json.loads((files("sepcost.report") / "schemas" / "memory-1.json").read_text("utf-8"))


def run(*arguments, code=0):
    result = RUNNER.invoke(app, ["analyze", *arguments, "--memory"], env={"COLUMNS": None})
    assert result.exit_code == code, result.output
    return result


def test_the_table_has_the_size_and_each_buffer(tmp_path):
    # input 1×8×4×4 and output 1×16×4×4, both alive at the convolution; Relu works in place
    lines = run(models.conv(tmp_path)).stdout.splitlines()
    assert lines[:3] == [
        "m: 1.54 kB for all activations in one arena",
        "1,536 bytes in 2 buffers, the minimum possible",
        "peak activations without in-place operators: 2,048 bytes",
    ]
    assert [line.split()[:2] for line in lines[6:]] == [["0", "1,024"], ["1,024", "512"]]
    assert lines[6].endswith("h, y")


def test_json_keeps_to_its_schema(tmp_path):
    document = json.loads(run(models.conv(tmp_path), "-f", "json").stdout)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA)
    (model,) = document["models"]
    assert (model["size_bytes"], model["peak_activation_bytes"]) == (1536, 2048)
    assert model["buffers"][0] == {
        "offset": 0, "size": 1024, "first": 1, "last": 2, "values": ["h", "y"]
    }  # fmt: skip


def test_csv_has_one_row_per_value(tmp_path):
    rows = list(csv.DictReader(io.StringIO(run(models.conv(tmp_path), "-f", "csv").stdout)))
    assert [(row["value"], row["offset"]) for row in rows] == [
        ("h", "0"), ("y", "0"), ("x", "1024")
    ]  # fmt: skip


def test_one_value_of_unknown_size_is_one_value(tmp_path):
    path = models.save(tmp_path, "g (float[2, 3] x) => (int64[2, K] y) { y = NonZero (x) }")
    assert "not placed, of unknown size: 1 value (y)\n" in run(path).stdout
    assert "… 1 more buffer: --top" in run(models.conv(tmp_path), "--top", "1").stdout


def test_several_sizes_have_one_section_each(tmp_path):
    report = run(models.dynamic(tmp_path), "--bind", "N=1,2", "-f", "markdown").stdout
    assert "**`m N=1: 24 B for all activations in one arena`**" in report
    assert "**`m N=2: 48 B for all activations in one arena`**" in report


def test_python_has_the_same(tmp_path):
    found = sepcost.analyze(models.conv(tmp_path)).arena
    assert (found.size_bytes, found.least_bytes, found.unplaced) == (1536, 1536, ())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--bind", "N=1:2"), ": --memory takes sizes, not a range; give --bind N=2\n"),
        (("--symbolic",), "--symbolic, --memory and --on cannot be combined"),
        (("--by", "op"), "--memory cannot be combined with --by"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, arguments, message):
    assert message in run(models.dynamic(tmp_path), *arguments, code=2).stderr
