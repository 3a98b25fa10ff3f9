"""``sepcost analyze --symbolic``: what it prints and what it refuses."""

import json
from importlib.resources import files

import jsonschema
import pytest
from typer.testing import CliRunner

import sepcost
from sepcost.cli.app import app
from tests.cli import models

RUNNER = CliRunner()
SCHEMA = json.loads((files("sepcost.report") / "schemas" / "symbolic-1.json").read_text("utf-8"))


def run(*arguments, code=0):
    result = RUNNER.invoke(app, ["analyze", *arguments, "--symbolic"], env={"COLUMNS": None})
    assert result.exit_code == code, result.output
    return result


def test_the_table_says_what_it_holds_for(tmp_path):
    lines = run(models.dynamic(tmp_path)).stdout.splitlines()
    assert lines[:3] == [
        "m: cost as polynomials of N",
        "for N = 1, 2, 3, …",
        "fitted to the counts at 2 sizes and confirmed at 24 others, up to N=967",
    ]
    assert ["MACs", "8·N"] in [line.split() for line in lines]
    assert ["y", "MatMul", "8·N"] in [line.split() for line in lines]


def test_flops_are_twice_the_macs(tmp_path):
    lines = run(models.dynamic(tmp_path), "--unit", "flops").stdout.splitlines()
    assert ["FLOPs", "16·N"] in [line.split() for line in lines]


def test_json_keeps_to_its_schema(tmp_path):
    document = json.loads(run(models.unknown_dynamic(tmp_path), "-f", "json").stdout)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA)
    document = json.loads(run(models.dynamic(tmp_path), "-f", "json").stdout)
    jsonschema.validate(document, SCHEMA)
    (model,) = document["models"]
    assert model["totals"]["macs"] == {
        "text": "8·N",
        "terms": [{"numerator": 8, "denominator": 1, "powers": {"N": 1}}],
        "reason": None,
    }
    assert model["classes"] == [{"symbol": "N", "period": 1, "least": 1, "most": 967}]


def test_what_is_not_counted_is_listed_with_its_reason(tmp_path):
    path = models.unknown_dynamic(tmp_path)
    report = run(path).stdout
    line = "1 × com.acme::Mystery: no formula for this operator (m"
    assert "cost (at least) as polynomials of N" in report
    assert f"\nNot counted:\n  {line}" in report
    assert "Not polynomials" not in report
    report = run(path, "-f", "markdown").stdout
    assert f"Not counted:\n\n- `{line}" in report
    assert "Not polynomials" not in report
    page = run(path, "-f", "html").stdout
    assert "Not counted" in page
    assert line in page


def test_what_is_counted_but_no_polynomial_is_listed_apart(tmp_path):
    operators = {("com.acme", "Mystery"): lambda layer: layer.inputs[0][0] ** 5}
    found = sepcost.symbolic(models.unknown_dynamic(tmp_path), operators=operators)
    report = sepcost.render(found, "table")
    assert "\nNot polynomials:\n  MACs: no polynomial of N" in report
    assert "\n  1 × com.acme::Mystery: no polynomial of" in report
    assert "Not counted" not in report


def test_csv_and_markdown(tmp_path):
    path = models.dynamic(tmp_path)
    assert f"{path},m,,,macs,8·N,,\n" in run(path, "-f", "csv").stdout
    typed = run(path, "-f", "markdown").stdout
    assert "| MACs | `8·N` |" in typed
    assert sepcost.render(sepcost.symbolic(path)) == typed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--bind", "N=2"),
            "--symbolic needs a named dynamic dimension that --bind does not set; name one",
        ),
        (
            ("--bind", "N=1,2"),
            "--bind 'N=1,2': with --symbolic, give one size or leave the dimension free\n",
        ),
        (
            ("--bind", "N=1:2"),
            "--bind 'N=1:2': with --symbolic, give one size or leave the dimension free\n",
        ),
        (("--by", "op"), "--symbolic cannot be combined with --by"),
        (("--shape", "x=Bx-1"), "--shape 'x=Bx-1': expected a positive integer, not '-1'"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, arguments, message):
    result = run(models.dynamic(tmp_path), *arguments, code=2)
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_model_of_fixed_sizes_has_no_polynomials(tmp_path):
    assert "--symbolic needs a dynamic dimension, but all input sizes are fixed" in (
        run(models.conv(tmp_path), code=2).stderr
    )


def test_a_name_in_a_shape_can_be_bound(tmp_path):
    path = models.dynamic(tmp_path)
    result = RUNNER.invoke(
        app, ["analyze", path, "--shape", "x=Bx4", "--bind", "B=3", "-f", "json"]
    )
    (model,) = json.loads(result.stdout)["models"]
    assert (model["bindings"], model["totals"]["macs"]) == ({"B": 3}, 24)
