"""A range of sizes on the command line: ``--bind N=1:8``."""

import json
from importlib.resources import files

import jsonschema
import pytest
from typer.testing import CliRunner

import sepcost
from sepcost.cli.app import app
from sepcost.cost.ranges import COSTS
from sepcost.report.ranges.words import NAMES
from tests.cli import models

RUNNER = CliRunner()
SCHEMA = json.loads((files("sepcost.report") / "schemas" / "ranges-1.json").read_text("utf-8"))


def run(*arguments, code=0):
    result = RUNNER.invoke(app, [*arguments], env={"COLUMNS": None})
    assert result.exit_code == code, result.output
    return result


def refused(*arguments):
    result = run(*arguments, code=2)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_the_table_has_the_least_and_the_most_and_where(tmp_path):
    lines = run("analyze", models.dynamic(tmp_path), "--bind", "N=1:3").stdout.splitlines()
    assert lines[0] == "m: 3 sizes counted: N=1:3"
    assert [line.split() for line in lines if line.startswith(("MACs", "params"))] == [
        ["MACs", "8", "N=1", "24", "N=3"],
        ["params", "8", "everywhere"],
    ]


def test_json_keeps_to_its_schema(tmp_path):
    document = json.loads(
        run("analyze", models.dynamic(tmp_path), "--bind", "N=2:8:3", "-f", "json").stdout
    )
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA)
    (model,) = document["models"]
    assert model["ranges"] == {"N": {"first": 2, "last": 8, "step": 3}}
    assert model["costs"]["macs"] == {
        "least": 16, "least_at": {"N": 2}, "most": 64, "most_at": {"N": 8}
    }  # fmt: skip


def test_csv_has_one_row_per_cost(tmp_path):
    lines = run(
        "analyze", models.dynamic(tmp_path), "--bind", "N=1:2", "-f", "csv"
    ).stdout.splitlines()
    assert len(lines) == 1 + len(COSTS)
    assert lines[1].endswith(",m,2,macs,8,N=1,16,N=2,true,")


def test_python_renders_the_same(tmp_path):
    path = models.dynamic(tmp_path)
    found = sepcost.cost_range(path, {"N": range(1, 3)})
    typed = run("analyze", path, "--bind", "N=1:2", "-f", "markdown").stdout
    assert sepcost.render(found) == typed
    assert "| MACs | 8 | `N=1` | 16 | `N=2` |" in typed


def test_every_cost_has_a_name():
    assert {*NAMES, "macs", "separable_macs"} == set(COSTS)


def test_a_list_of_sizes_gives_one_range_each(tmp_path):
    path = models.save(
        tmp_path,
        "g (float[N, M, 4] x) => (float[N, M, 1] y) <float[4, 1] w = {1, 1, 1, 1}>"
        "{ y = MatMul (x, w) }",
    )
    report = run("analyze", path, "--bind", "M=1,2", "--bind", "N=1:3").stdout
    assert [line for line in report.splitlines() if "sizes" in line] == [
        "m: 3 sizes counted: N=1:3, M=1",
        "m: 3 sizes counted: N=1:3, M=2",
    ]


def test_a_source_without_the_dimension_is_a_fault_of_that_source_only(tmp_path):
    result = run("analyze", models.dynamic(tmp_path), "no.onnx", "--bind", "N=1:2", code=2)
    assert "m: 2 sizes counted" in result.stdout
    assert "not read: no.onnx" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--bind", "N=8:1"),
            "--bind 'N=8:1': the range is empty: FIRST must be at least 1 and at most LAST",
        ),
        (("--bind", "N=1,2:3"), "--bind 'N=1,2:3'"),
        (("--bind", "N=1:2", "--by", "op"), "a range of sizes cannot be combined with --by"),
        (("--bind", "N=1:9999"), "give a larger step"),
    ],
)
def test_what_does_not_fit_a_range_is_refused(tmp_path, arguments, message):
    assert message in refused("analyze", models.dynamic(tmp_path), *arguments)


def test_a_range_of_one_size_is_one_size(tmp_path):
    result = run("analyze", models.dynamic(tmp_path), "--bind", "N=3:3")
    assert result.stdout.startswith("m: 1 size counted: N=3:3\n")


def test_commands_of_one_size_refuse_a_range(tmp_path):
    message = refused("bench", models.dynamic(tmp_path), "--bind", "N=1:2")
    assert "bench measures one size at a time; only analyze and check take a range" in message


class TestBudgets:
    """A budget is judged by the worst size of the range."""

    def test_the_most_is_judged_and_named(self, tmp_path):
        path = models.dynamic(tmp_path)
        run("check", path, "--max-macs", "24", "--bind", "N=1:3")
        broken = run("check", path, "--max-macs", "23", "--bind", "N=1:3", code=1).stdout
        assert "macs 24, budget ≤ 23 (+4.35%): at N=3" in broken

    def test_a_minimum_is_judged_by_the_least(self, tmp_path):
        path = models.dynamic(tmp_path)
        config = tmp_path / "sepcost.toml"
        config.write_text('[budgets."m.onnx"]\nbind = { N = "2:4" }\nmacs = { min = 17 }\n')
        assert "macs 16, budget ≥ 17" in run("check", path, "--config", str(config), code=1).stdout
        config.write_text('[budgets."m.onnx"]\nbind = { N = "2:4" }\nmacs = { min = 16 }\n')
        run("check", path, "--config", str(config))

    def test_a_budget_on_layers_or_time_needs_one_size(self, tmp_path):
        path, bind = models.dynamic(tmp_path), ("--bind", "N=1:3")
        report = run("check", path, "--budget", "per-layer.macs=50%", *bind, code=1).stdout
        assert "layers are not judged over a range of sizes" in " ".join(report.split())
        report = run("check", path, "--max-latency", "1 s", *bind, code=2).stdout
        why = "latency is measured at one size, not over a range; bind one, such as N=3"
        assert why in " ".join(report.split())

    def test_a_baseline_is_compared_over_the_same_range(self, tmp_path):
        path, bind = models.dynamic(tmp_path), ("--bind", "N=1:3")
        run("check", path, "--budget", "macs-vs-baseline=+0%", "--baseline", path, *bind)

    def test_a_broken_range_in_a_file_names_its_line(self, tmp_path):
        config = tmp_path / "sepcost.toml"
        config.write_text('[budgets."m.onnx"]\nmacs = 1\nbind = { N = "4:2" }\n')
        models.dynamic(tmp_path)
        said = refused("check", "--config", str(config))
        assert 'sepcost.toml:3: budgets."m.onnx".bind.N: the range is empty' in said
        config.write_text('[budgets."m.onnx"]\nmacs = 1\nbind = { N = "x" }\n')
        said = refused("check", "--config", str(config))
        assert "expected a size such as 8, or a range such as '224:640:32', not 'x'" in said
