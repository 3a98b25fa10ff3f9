"""``sepcost analyze --on MACHINE.toml``: the shortest time on a machine."""

import json
from importlib.resources import files

import jsonschema
import pytest
from typer.testing import CliRunner

from sepcost.cli.app import app
from tests.cli import models

RUNNER = CliRunner()
SCHEMA = json.loads((files("sepcost.report") / "schemas" / "roofline-1.json").read_text("utf-8"))


@pytest.fixture
def machine(tmp_path):
    """1 GMAC/s and 1 GB/s: 1 ns per MAC or byte."""
    path = tmp_path / "slow.toml"
    path.write_text(
        'schema = "sepcost/machine/1"\nname = "slow"\nmacs_per_second = 1e9\n'
        'bytes_per_second = 1e9\nprovider = "cpu"\nthreads = 1\n'
    )
    return str(path)


def run(*arguments, code=0):
    result = RUNNER.invoke(app, [*arguments], env={"COLUMNS": None})
    assert result.exit_code == code, result.output
    return result


def test_the_table_has_both_figures_and_each_layer(tmp_path, machine):
    # 18,432 MACs; 512 + 1,024 + 4,608 bytes
    lines = run("analyze", models.conv(tmp_path), "--on", machine).stdout.splitlines()
    assert lines[0] == "m on slow: at least 18.4 µs; roofline 18.4 µs"
    assert lines[1] == "peak 1.00 GMAC/s and 1.00 GB/s with cpu, 1 thread"
    assert " ".join(lines[-1].split()) == "h Conv 18.4 k 6.14 kB 18.4 µs 100% compute"


def test_json_keeps_to_its_schema(tmp_path, machine):
    report = run("analyze", models.conv(tmp_path), "--on", machine, "-f", "json").stdout
    document = json.loads(report)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA)
    assert document["models"][0]["arithmetic_ns"] == pytest.approx(18432)


def test_markdown_has_the_same(tmp_path, machine):
    report = run("analyze", models.conv(tmp_path), "--on", machine, "-f", "markdown").stdout
    assert "**`m on slow: at least 18.4 µs; roofline 18.4 µs`**" in report


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--on", "no.toml"), "no.toml: No such file"),
        (
            ("--on", "{machine}", "--memory"),
            "--symbolic, --memory and --on cannot be combined; give only one",
        ),
        (("--on", "{machine}", "-f", "csv"), "--on has only table, json, markdown, html"),
        (
            ("--on", "{machine}", "--bind", "N=1:2"),
            ": --on takes sizes, not a range; give --bind N=2\n",
        ),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, machine, arguments, message):
    given = [each.format(machine=machine) for each in arguments]
    assert message in run("analyze", models.dynamic(tmp_path), *given, code=2).stderr


def test_a_machine_is_written_only_with_its_peaks(tmp_path):
    target = str(tmp_path / "pi5.toml")
    message = run("bench", models.conv(tmp_path), "-o", target, code=2).stderr
    assert "pi5.toml: a .toml report needs --machine; add it, or name another file" in message
