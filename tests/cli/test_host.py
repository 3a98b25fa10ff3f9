"""``sepcost host`` and ``--host``, through a real sshd."""

import json

import pytest
from typer.testing import CliRunner

from sepcost.cli.app import app
from tests.cli import models
from tests.latency.hosts import far as machine
from tests.latency.hosts.conftest import _far, far  # noqa: F401 - fixtures
from tests.report.bench.test_formats import validator

RUNNER = CliRunner()
SHORT = ("--launches", "1", "--max-time", "0.5")


def run(*arguments):
    return RUNNER.invoke(app, arguments, env={"COLUMNS": "200"})


def ok(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def refused(*arguments, code=2):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    return result.stderr.splitlines()[-1]


def test_the_host_stands_in_every_report(far, tmp_path):  # noqa: F811
    path = models.conv(tmp_path)
    document = json.loads(ok("bench", path, "--host", "far", *SHORT, "-f", "json").stdout)
    validator("bench").validate(document)
    assert document["machine"]["host"] == document["settings"]["host"] == "far"
    assert "\nfar: " in ok("bench", path, "--host", "far", *SHORT).stdout
    assert "- far: " in ok("bench", path, "--host", "far", *SHORT, "-f", "markdown").stdout


def test_without_a_host_none_is_named(tmp_path):
    path = models.conv(tmp_path)
    document = json.loads(ok("bench", path, *SHORT, "-f", "json").stdout)
    assert document["machine"]["host"] is document["settings"]["host"] is None


def test_another_version_there_is_told(far, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr("sepcost.latency.advice.version", lambda _: "1.2.3")
    said = ok("bench", models.conv(tmp_path), "--host", "far", *SHORT).stderr
    assert "on far, 1.2.3 here: 'sepcost host setup far' installs 1.2.3 there if it can" in said


def test_what_is_there(far):  # noqa: F811
    shown = ok("host", "check", "far").stdout
    assert [line.split()[0] for line in shown.splitlines()][:4] == [
        "host", "CPU", "governor", "temperature",
    ]  # fmt: skip
    assert "providers   cpu" in shown
    document = json.loads(ok("host", "check", "far", "-f", "json").stdout)
    validator("host").validate(document)
    assert document["machine"]["host"] == "far"
    assert document["versions"]["numpy"] == document["here"]["numpy"]


def test_another_version_is_shown_beside_that_here(far, monkeypatch):  # noqa: F811
    monkeypatch.setattr("sepcost.latency.advice.version", lambda _: "1.2.3")
    assert "(1.2.3 here)" in ok("host", "check", "far").stdout


def test_errors_are_one_line(far, tmp_path):  # noqa: F811
    path = models.conv(tmp_path)
    for arguments in (["bench", path, "--host", "bare"], ["host", "check", "bare"]):
        assert refused(*arguments) == (
            "sepcost: error: --host bare: not set up; run 'sepcost host setup bare'"
        )
    assert "expected an ssh destination" in refused("bench", path, "--host", "-x")
    assert "only setup installs" in refused("host", "check", "far", "--wheels", ".")
    assert "the key was refused" in refused("host", "setup", "refused")


def test_a_machine_is_set_up_from_wheels(far, tmp_path):  # noqa: F811
    real = machine.site_of(far.cache / "venv")
    folder = machine.wheels(tmp_path / "wheels", real, ml_dtypes="0.0.1")
    steps = ok("host", "setup", "fresh", "--wheels", str(folder)).stderr
    assert [step.split()[0] for step in steps.splitlines()] == [
        "Python", "making", "sending", "installing", "these", "trying", "ready:",
    ]  # fmt: skip
    assert "No matching distribution found for ml_dtypes==" in steps  # so the newest is installed
    assert "0.0.1" not in ok("bench", models.conv(tmp_path), "--host", "fresh", *SHORT).stdout


def test_a_setup_that_fails_says_why(far, tmp_path):  # noqa: F811
    real = machine.site_of(far.cache / "venv")
    folder = machine.wheels(tmp_path / "wheels", real)
    next(folder.glob("onnxruntime*")).unlink()
    message = refused("host", "setup", "bare", "--wheels", str(folder))
    assert message.startswith("sepcost: error: --host bare: ERROR: No matching distribution found")
    assert message.endswith("check the network there, or give --wheels FOLDER")
    assert "not set up" in refused("host", "check", "bare")


def test_a_folder_without_wheels_is_refused(far, tmp_path):  # noqa: F811
    assert "no .whl file" in refused("host", "setup", "bare", "--wheels", str(tmp_path))


def test_the_machine_alone_is_measured_there(far):  # noqa: F811
    document = json.loads(
        ok("bench", "--machine", "--host", "far", "--max-time", "0.5", "-f", "json").stdout
    )
    assert document["machine"]["host"] == "far"
    assert document["machine"]["peaks"]["macs_per_second"] > 1e8


def test_the_providers_there_are_listed(far):  # noqa: F811
    shown = ok("providers", "--host", "far").stdout
    assert shown.startswith("usable on far")
    listed = json.loads(ok("providers", "--host", "far", "-f", "json").stdout)["providers"]
    assert {one["name"] for one in listed if one["usable"]} >= {"cpu"}
    assert {one["host"] for one in listed} == {"far"}


def test_a_budget_is_judged_by_the_times_there(far, tmp_path):  # noqa: F811
    path = models.conv(tmp_path)
    budget = ("--budget", "create-time=10s", "--max-macs", "1G", "--host", "far")
    shown = ok("check", path, *budget).stdout
    assert shown.endswith("2 met; measured on far\n")
    document = json.loads(ok("check", path, *budget, "-f", "json").stdout)
    validator("check").validate(document)
    assert document["host"] == "far"


def test_a_budget_whose_host_fails_is_an_error_of_the_model(far, tmp_path):  # noqa: F811
    path = models.conv(tmp_path)
    result = run("check", path, "--max-latency", "10s", "--host", "bare")
    assert result.exit_code == 2
    assert "--host bare: not set up; run 'sepcost host setup bare'" in result.stderr


def test_a_report_is_measured_there(far, tmp_path):  # noqa: F811
    path, page = models.conv(tmp_path), tmp_path / "report.html"
    ok("report", path, "-o", str(page), "--host", "far", "--max-time", "0.5")
    assert "far: " in page.read_text("utf-8")


def test_a_conversion_is_planned_and_proved_by_the_times_there(far, tmp_path, monkeypatch):  # noqa: F811
    def here(*_):
        raise AssertionError("measured here")

    monkeypatch.setattr("sepcost.latency.child.execute", here)
    target = tmp_path / "out.onnx"
    goal = ("--speedup", "1.1", "--reduce", "latency", "--force", "--host", "far")
    result = run("convert", "small-cnn", "-o", str(target), *goal, "-f", "json")
    assert result.exit_code in (0, 1), result.output  # whether it is faster depends on the machine
    document = json.loads(result.stdout)
    validator("convert").validate(document)
    assert document["latency"]["machine"]["host"] == "far"
    assert target.exists()
    assert far.left() == []


def test_a_conversion_on_a_machine_that_is_not_set_up_ends_at_once(far):  # noqa: F811
    goal = ("--speedup", "2", "--dry-run", "--host", "bare")
    assert "--host bare: not set up" in refused("convert", "small-cnn", *goal)


def test_several_machines_in_one_table(far, tmp_path):  # noqa: F811
    path = models.conv(tmp_path)
    hosts = ("--host", "far", "--host", "talkative")
    shown = ok("bench", path, *hosts, *SHORT)
    assert "far" in shown.stdout.splitlines()[-3]
    assert "talkative" in shown.stdout.splitlines()[-3]
    assert "sepcost: note: talkative: " in shown.stderr
    document = json.loads(ok("bench", path, *hosts, *SHORT, "-f", "json").stdout)
    validator("hosts").validate(document)
    assert [one["machine"]["host"] for one in document["hosts"]] == ["far", "talkative"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--host", "far"], "--host far: given twice"),
        (["--host", "bare"], "--host bare: not set up"),
        (["--host", "pi", "--export-samples", "x.json"], "--export-samples is for one machine"),
        (["--host", "pi", "-f", "html", "-o", "x.html"], "--format html is for one machine"),
        (["--host", "pi", "--machine", "-o", "x.toml"], "a .toml report is for one machine"),
    ],
)
def test_several_machines_are_checked_first(far, tmp_path, more, says):  # noqa: F811
    assert says in refused("bench", models.conv(tmp_path), "--host", "far", *more)


@pytest.mark.parametrize("action", ["", "update"])
def test_another_action_is_a_usage_error(action):
    assert run("host", action, "far").exit_code == 2
