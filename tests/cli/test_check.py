"""``sepcost check``: exit codes, reports and errors."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sepcost.cli.app import app
from sepcost.errors import MeasurementError
from tests.cli import models

RUNNER = CliRunner()
PLAIN = {"COLUMNS": None, "FORCE_COLOR": None, "GITHUB_STEP_SUMMARY": None}


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    models.conv(tmp_path)
    return tmp_path


def run(*arguments, code=0, **environment):
    result = RUNNER.invoke(app, ["check", *arguments], env=PLAIN | environment)
    assert result.exit_code == code, result.output
    return result


def refused(*arguments):
    """The one line of an error."""
    result = run(*arguments, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("sepcost: error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def configured(text):
    Path("sepcost.toml").write_text(text)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--max-macs", "18432"], 0),
        (["--max-macs", "18.431k"], 1),
        (["--max-flops", "36863"], 1),
        (["--max-params", "1151"], 1),
        (["--max-file-size", "1 kB"], 1),
        (["--max-peak-activations", "1"], 1),
        (["--max-separable-headroom", "2x"], 1),
        (["--forbid-op", "Relu"], 1),
        (["--budget", "per-layer.macs=50%"], 1),
        (["--budget", "weights=1", "--max-macs", "1M"], 1),
    ],
)
def test_one_off_budgets(options, code):
    run("m.onnx", *options, code=code)


def test_failures_come_first_with_their_cause():
    configured('[budgets."*.onnx"]\nparams = "1 M"\nmacs = "10 k"')
    lines = run(code=1).stdout.splitlines()
    assert lines[:2] == [
        "FAIL     m.onnx  macs 18.43 k, budget ≤ 10 k (+84.3%)  sepcost.toml:3",
        "         h (Conv) 18.43 k",
    ]
    assert lines[-1] == "1 model: 1 budget exceeded, 1 met"


def test_several_formats_at_once():
    configured('[budgets."*.onnx"]\nmacs = 1')
    formats = ("junit", "sarif", "gitlab", "markdown", "json", "github", "table")
    result = run(*(part for name in formats for part in ("-f", f"{name}={name}.out")), code=1)
    assert result.stdout.startswith("FAIL")
    assert all(Path(f"{name}.out").stat().st_size for name in formats)
    assert Path("table.out").read_text() == result.stdout


def test_one_format_on_stdout_or_in_a_file():
    text = run("m.onnx", "--max-macs", "1", "-f", "json", code=1).stdout
    assert json.loads(text)["status"] == "fail"
    run("m.onnx", "--max-macs", "1", "-f", "json", "-o", "out.json", code=1)
    assert Path("out.json").read_text() == text


def test_the_summary_is_appended_to_the_file_that_github_names():
    Path("summary.md").write_text("before\n")
    options = ("m.onnx", "--max-macs", "1", "-f", "github")
    result = run(*options, code=1, GITHUB_STEP_SUMMARY="summary.md")
    assert result.stdout.startswith("::error file=m.onnx,line=1,title=")
    assert Path("summary.md").read_text().startswith("before\n### ❌ sepcost check")


def test_nothing_is_written_unless_asked(work):
    before = set(work.iterdir())
    run("m.onnx", "--max-macs", "1", code=1, GITHUB_STEP_SUMMARY=str(work / "summary.md"))
    assert set(work.iterdir()) == before


def test_an_updated_baseline_is_then_enforced():
    configured('[budgets."*.onnx"]\nmacs-vs-baseline = "+0 %"\nbaseline = "b.json"')
    assert "b.json: does not exist; write it with" in refused()
    assert run("--update", "--baseline", "b.json").stderr == "wrote b.json\n"
    written = Path("b.json").read_bytes()
    run()
    run("--update", "--baseline", "b.json")
    assert Path("b.json").read_bytes() == written
    Path("b.json").write_bytes(written.replace(b"18432", b"18431"))
    stderr = run("--update", "--baseline", "b.json", code=1).stderr
    assert "b.json: kept 1 stricter value (m.onnx: macs); --loosen raises them" in stderr


def test_what_helps_against_unknown_is_advised(work):
    path = models.data_dependent(work)
    report = run(path, "--max-macs", "1k", code=1).stdout
    assert (
        "1 layer could not be counted; observe = true in sepcost.toml may help, --allow-unknown "
        in report
    )
    Path("sepcost.toml").write_text('[budgets."m.onnx"]\nmacs = "1 k"\nobserve = true\n')
    assert run().stdout.startswith("ok ")


def test_unknown_does_not_pass_unless_allowed(work):
    path = models.unknown(work)
    assert "could not be counted" in run(path, "--max-macs", "1", code=1).stdout
    assert "; allowed by --allow-unknown" in (
        run(path, "--max-macs", "1", "--allow-unknown").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no model to check; name one"),
        (("m.onnx",), "m.onnx: no budget; give one, such as --max-macs 600M"),
        (("nope.onnx",), "nope.onnx: No such file or directory"),
        (("m.onnx", "--max-macs", "600 Q"), "--max-macs: '600 Q' has an unknown unit"),
        (("m.onnx", "--budget", "mcas=1"), "--budget mcas: unknown metric; did you mean 'macs'?"),
        (
            ("m.onnx", "--max-latency", "12"),
            "--max-latency: '12' has no unit; expected a time such as '12 ms'",
        ),
        (("m.onnx", "--budget", "latency=12"), "--budget latency: '12' has no unit"),
        (("m.onnx", "--budget", "per-layer.mcas=1"), "--budget per-layer.mcas: unknown key"),
        (
            ("m.onnx", "--max-peak-activations", "1 Q"),
            "--max-peak-activations: '1 Q' has an unknown unit",
        ),
        (("m.onnx", "--forbid-op", ""), "--forbid-op"),
        (("m.onnx", "--max-macs", "1", "-f", "junti"), "did you mean 'junit'?"),
        (("m.onnx", "--max-macs", "1", "-f", "junit="), "expected junit=FILE"),
        (
            ("m.onnx", "--max-macs", "1", "-f", "json", "-f", "sarif"),
            "stdout takes only one report",
        ),
        (("m.onnx", "--max-macs", "1", "-f", "json=m.onnx"), "one of the sources"),
        (("m.onnx", "--max-macs", "1", "--loosen"), "needs --update; add it"),
        (("m.onnx", "--max-macs", "1", "--bind", "N=1,2"), "judges models at one size"),
        (("m.onnx", "--max-macs", "1", "--config", "no.toml"), "no.toml: No such file"),
        (("m.onnx", "--budget", "macs-vs-baseline=+1%"), "needs a baseline"),
    ],
)
def test_models_that_cannot_be_checked_are_reported_in_one_line(arguments, message):
    assert message in refused(*arguments)


def test_an_empty_glob_and_a_broken_file_are_errors():
    configured('[budgets."models/*.onnx"]\nmacs = 1')
    assert "sepcost.toml:1: 'models/*.onnx' matches no file" in refused()
    configured('[budgets."m.onnx"]\n\nmcas = 1')
    assert "sepcost.toml:3: budgets.\"m.onnx\".mcas: unknown key; did you mean 'macs'?" in refused()


def test_a_model_that_cannot_be_read_is_an_error_of_the_report_and_of_the_command():
    configured('[budgets."*.onnx"]\nmacs = 1')
    Path("bad.onnx").write_bytes(b"{}")
    result = run("-f", "junit=out.xml", code=2)
    assert [line.split()[:2] for line in result.stdout.splitlines() if ".onnx " in line] == [
        ["error", "bad.onnx"], ["FAIL", "m.onnx"],
    ]  # fmt: skip
    assert result.stderr == "sepcost: error: bad.onnx: JSON, not an ONNX model\n"
    assert 'errors="1"' in Path("out.xml").read_text()
    assert "gone.onnx: No such file" in run("gone.onnx", "--max-macs", "1", code=2).stderr


def test_the_number_of_processes_changes_nothing():
    for at in range(3):
        models.conv(Path(), f"{at}.onnx")
    configured('[budgets."*.onnx"]\nmacs = 1')
    texts = {run("-f", "json", "--jobs", jobs, code=1).stdout for jobs in ("1", "2")}
    assert len(texts) == 1


def test_a_measurement_that_fails_is_not_a_broken_budget(monkeypatch):
    def crash(*_, **__):
        raise MeasurementError("m.onnx: it crashed")

    monkeypatch.setattr("sepcost.routes.check.bench", crash)
    result = run("m.onnx", "--max-latency", "1 s", code=3)
    assert result.stderr == "sepcost: error: m.onnx: it crashed\n"
    assert result.stdout.startswith("error    m.onnx  latency, budget ≤ 1 s: it crashed\n")
    run("m.onnx", "--max-latency", "1 s", "--max-macs", "1M", "--exact")


def test_a_latency_is_really_measured():
    """A convolution of 18,432 MACs takes less than 10 s and more than a nanosecond."""
    document = json.loads(run("m.onnx", "--max-latency", "10 s", "-f", "json").stdout)
    (verdict,) = document["verdicts"]
    assert verdict["interval"]["low"] <= verdict["actual"] <= verdict["interval"]["high"]
    run("m.onnx", "--max-latency", "1 ns", code=1)
