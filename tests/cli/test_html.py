"""HTML pages on the command line: which commands write them, and where."""

import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from sepcost.cli.app import app
from tests.cli import models
from tests.report import bench_samples
from tests.report.html import pages

RUNNER = CliRunner()


def run(*arguments):
    return RUNNER.invoke(app, list(map(str, arguments)))


def page(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments):
    """The one line of an error."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture
def measured(monkeypatch):
    """Replace measurements and conversions with ready results."""
    asked: dict[str, Any] = {}
    converted = pages.conversion()  # a real conversion, made before convert is replaced

    def bench(sources, *, settings, on_progress, **sizes):
        asked["bench"] = (sources, settings, sizes)
        return bench_samples.layered()

    def convert(source, target=None, *, settings, frontier=False, on_progress, **_):
        asked["convert"] = (source, target, settings, frontier)
        return converted

    monkeypatch.setattr("sepcost.routes.bench.bench", bench)
    monkeypatch.setattr("sepcost.routes.convert.convert", convert)
    return asked


@pytest.fixture
def terminal(monkeypatch):
    """Make stdout look like a terminal."""
    from sepcost.cli import output

    monkeypatch.setattr(output, "to_terminal", lambda: True)


COMMANDS = (
    ("analyze", "small-cnn", "-f", "html"),
    ("analyze", "small-cnn", "--bind", "N=1:2", "-f", "html"),
    ("analyze", "small-cnn", "--symbolic", "-f", "html"),
    ("analyze", "small-cnn", "--memory", "-f", "html"),
    ("bench", "small-cnn", "-f", "html"),
    ("check", "small-cnn", "--max-macs", "1G", "-f", "html"),
    ("convert", "small-cnn", "--dry-run", "-f", "html"),
    ("diff", "small-cnn", "vgg16", "-f", "html"),
    ("report", "small-cnn"),
)


@pytest.mark.parametrize("arguments", COMMANDS)
@pytest.mark.usefixtures("measured")
def test_every_command_writes_a_page(arguments):
    text = page(*arguments)
    assert text.startswith("<!doctype html>")
    assert text.rstrip().endswith("</html>")


@pytest.mark.parametrize("arguments", COMMANDS)
@pytest.mark.usefixtures("measured", "terminal")
def test_no_page_is_printed_at_a_terminal(arguments):
    assert "add -r report.html" in refused(*arguments)


@pytest.mark.usefixtures("measured", "terminal")
def test_a_page_goes_to_its_file(tmp_path):
    for number, arguments in enumerate(COMMANDS):
        file = tmp_path / f"{number}.html"
        option = "--report" if arguments[0] == "convert" else "-r"
        assert "<!doctype" not in page(*arguments, option, file)
        assert file.read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.usefixtures("terminal")
def test_check_writes_a_page_as_well_as_its_table(tmp_path):
    file = tmp_path / "report.html"
    assert "ok" in page("check", "small-cnn", "--max-macs", "1G", "-f", f"html={file}")
    assert "Within budget" in file.read_text("utf-8")


def test_a_report_measures_layers_and_plans_nothing_unless_asked(measured):
    page("report", "small-cnn", "--max-time", "3", "--bind", "N=2")
    source, settings, sizes = measured["bench"]
    assert (source, settings.layers, settings.machine) == ("small-cnn", True, True)
    assert settings.max_time_s == 3
    assert sizes["bind"] == {"N": 2}
    assert "convert" not in measured


@pytest.mark.parametrize(
    ("given", "measuring", "planning"),
    [((), 30, None), (("--max-time", "600"), 30, 570), (("--max-time", "60"), 20, 40)],
)
def test_a_report_shares_its_time_between_measuring_and_planning(
    measured, given, measuring, planning
):
    page("report", "small-cnn", "--convert", *given)
    assert measured["bench"][1].max_time_s == measuring
    assert measured["convert"][2].max_time_s == planning


def test_a_report_plans_a_conversion_and_writes_no_model(measured):
    page("report", "small-cnn", "--convert", "--macs", "50%")
    source, target, settings, frontier = measured["convert"]
    assert (source, target, frontier) == ("small-cnn", None, True)
    assert settings.goal.words == "--macs 50%"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("small-cnn", "--macs", "0.5"), "needs --convert"),
        (("small-cnn", "--calibrate", "x.npz"), "needs --convert"),
        (("-",), "name a file"),
        (("small-cnn", "--bind", "N=1,2"), "one size"),
        (("small-cnn", "--convert", "--macs", "0.5", "--speedup", "2"), "give only one cost goal"),
        (("small-cnn", "-o", "none/such/report.html"), "does not exist; create it first"),
    ],
)
def test_a_report_refuses_contradictions_before_it_measures(arguments, told, measured):
    assert told in refused("report", *arguments)
    assert measured == {}


def test_a_report_is_not_written_over_its_model(tmp_path, measured):
    model = models.conv(tmp_path)
    assert "one of the sources" in refused("report", model, "-o", model)
    assert measured == {}


def test_jinja_is_loaded_for_pages_only():
    import subprocess

    code = "import sys, sepcost.cli.app; print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
