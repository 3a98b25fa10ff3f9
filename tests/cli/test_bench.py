"""``sepcost bench``: settings, output, errors and exit codes."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import sepcost
from sepcost.cli.app import app
from sepcost.errors import MeasurementError
from sepcost.latency.providers import PROVIDERS
from tests.cli import models
from tests.report import bench_samples as samples
from tests.report.bench.test_formats import HOSTILE, validator

RUNNER = CliRunner()


def run(*arguments, **environment):
    return RUNNER.invoke(
        app, ["bench", *arguments], env={"COLUMNS": None, "FORCE_COLOR": None} | environment
    )


def ok(*arguments, **environment):
    result = run(*arguments, **environment)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments, code=2):
    """The one line of an error."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("sepcost: error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


class FakeBench:
    """Replaces the route: keeps its arguments and returns a measurement made by hand."""

    def __init__(self):
        self.answer, self.sources, self.settings, self.sizes = samples.several(), [], None, {}

    def __call__(self, sources, *, settings, on_progress, **sizes):
        self.sources, self.settings, self.sizes = list(sources), settings, sizes
        return self.answer


@pytest.fixture
def fake(monkeypatch):
    found = FakeBench()
    monkeypatch.setattr("sepcost.routes.bench.bench", found)
    return found


# Settings.


def test_the_options_reach_the_measurement(fake):
    ok(
        "a.onnx", "b.onnx", "--bind", "N=2", "--shape", "x=1x3", "--alpha", "0.5", "--rho", "0.25",
        "--against", "b.onnx", "--provider", "openvino,cpu", "--threads", "0",
        "--provider-option", "device_type=GPU", "--optimization-level", "basic",
        "--session-option", "session.x=1=2", "--strict", "--precision-target", "0.5%",
        "--max-time", "7", "--launches", "3", "--percentiles", "5,95", "--timeout", "9",
        "--seed", "4", "--layers", "--inputs", "x.npz",
        "--host", "pi",
    )  # fmt: skip
    asked = fake.settings
    assert fake.sources == ["a.onnx", "b.onnx"]
    assert fake.sizes == {"bind": {"N": 2}, "shape": {"x": (1, 3)}, "alpha": 0.5, "rho": 0.25}
    assert (asked.baseline, asked.providers, asked.threads) == (1, ("openvino", "cpu"), 0)
    assert asked.provider_options == {"openvino": {"device_type": "GPU"}}
    assert asked.session_options == {"session.x": "1=2"}
    assert (asked.optimization_level, asked.strict) == ("basic", True)
    assert asked.precision_target == pytest.approx(0.005)
    assert (asked.max_time_s, asked.timeout_s, asked.seed) == (7, 9, 4)
    assert (asked.min_launches, asked.percentiles) == (3, (5, 95))
    assert (asked.layers, asked.machine, str(asked.inputs)) == (True, True, "x.npz")
    assert asked.host == "pi"


def test_without_options_the_defaults_are_those_of_the_library(fake):
    ok("a.onnx")
    assert fake.settings == sepcost.Settings()


def test_more_launches_than_usual_may_be_asked_for(fake):
    ok("a.onnx", "--launches", "50")
    assert (fake.settings.min_launches, fake.settings.max_launches) == (50, 50)


def test_a_provider_may_be_called_by_its_full_name(fake):
    ok("a.onnx", "--provider", "CUDAExecutionProvider,cuda", "--provider-option", "cuda:x=1")
    assert fake.settings.providers == ("cuda",)
    assert fake.settings.provider_options == {"cuda": {"x": "1"}}


def test_providers_given_twice_are_compared(fake):
    ok("a.onnx", "--provider", "cpu", "--provider", "openvino,cpu",
       "--provider-option", "openvino:x=1")  # fmt: skip
    assert (fake.settings.providers, fake.settings.beside) == (("cpu",), (("openvino", "cpu"),))
    assert fake.settings.provider_options == {"openvino": {"x": "1"}}


def test_the_machine_alone_needs_no_model(fake):
    fake.answer = samples.machine_alone()
    assert "peak 100.0 GMAC/s and 20.0 GB/s" in ok("--machine")
    assert (fake.sources, fake.settings.machine) == ([], True)


# Errors before anything is measured.


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to measure"),
        (["--layers"], "nothing to measure"),
        (["m", "--bind", "N=1,2"], "one size at a time"),
        (["m", "--bind", "N"], "expected DIM=SIZE"),
        (["m", "--against", "other"], "--against other: not one of the sources"),
        (["m", "--provider", ""], "expected names"),
        (["m", "--provider", "cuda", "--provider", "cuda"], "--provider cuda: given twice"),
        (["m", "--provider", "cpu,"], "expected names"),
        (["m", "--provider", "cdua"], "did you mean 'cuda'?"),
        (["m", "--provider-option", "x=1"], "did you mean --session-option?"),
        (["m", "--provider", "cuda", "--provider-option", "dml:x=1"], "needs --provider dml"),
        (["m", "--session-option", "x"], "expected KEY=VALUE"),
        (["m", "--precision-target", "0"], "above 0"),
        (["m", "--precision-target", "nan"], "above 0"),
        (["m", "--percentiles", "50,101"], "from 0 to 100"),
        (["m", "-o", "no/folder/x"], "the folder no/folder does not exist"),
        (["m", "-o", "."], "a folder"),
        (["m", "--export-samples", "."], "a folder"),
        (["m", "-o", "x", "--export-samples", "x"], "cannot hold both the report and the samples"),
    ],
)
def test_typing_errors_are_reported_before_time_is_spent(fake, arguments, says):
    assert says in refused(*arguments)
    assert fake.settings is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["--optimization-level", "O3"], ["--threads", "-1"], ["--launches", "0"],
        ["--max-time", "0"], ["--timeout", "0"], ["--seed", "-1"], ["--top", "-1"],
    ],
)  # fmt: skip
def test_impossible_values_are_usage_errors(fake, arguments):
    assert run("m", *arguments).exit_code == 2
    assert fake.settings is None


def test_a_report_is_not_written_over_a_model(fake, tmp_path):
    path = models.conv(tmp_path)
    assert "one of the sources" in refused(path, "-o", path)
    assert "one of the sources" in refused(path, "--export-samples", path)


def test_a_measurement_that_fails_exits_with_3(monkeypatch):
    def fails(*_, **__):
        raise MeasurementError("m: it crashed\x1b[31m")

    monkeypatch.setattr("sepcost.routes.bench.bench", fails)
    assert refused("m", code=3) == "sepcost: error: m: it crashed\\x1b[31m\n"


# Output.


def test_notes_go_to_stderr_and_quiet_leaves_them_out(fake):
    fake.answer = replace(samples.one(), warnings=("the machine is busy",))
    assert run("m").stderr == "sepcost: note: the machine is busy\n"
    assert run("m", "-q").stderr == ""


def test_the_report_may_go_to_a_file(fake, tmp_path):
    target = tmp_path / "report.json"
    assert ok("m", "-f", "json", "-o", str(target)) == ""
    validator("bench").validate(json.loads(target.read_text("utf-8")))


def test_samples_go_to_a_separate_file(fake, tmp_path):
    target = tmp_path / "samples.json"
    assert "separable is 2.50× as fast as regular" in ok("m", "--export-samples", str(target))
    validator("samples").validate(json.loads(target.read_text("utf-8")))


def test_csv_and_markdown(fake):
    assert len(list(csv.reader(io.StringIO(ok("m", "-f", "csv"))))) == 5
    assert ok("m", "-f", "markdown").startswith("- **`separable` is 2.50× as fast")


def test_top_limits_the_layers(fake):
    fake.answer = samples.layered()
    assert "pool" in ok("m", "--layers")
    shown = ok("m", "--layers", "--top", "2")
    assert "pool" not in shown
    assert "… 3 more" in shown


def test_hostile_names_do_not_reach_the_terminal(fake):
    fake.answer = samples.hostile(HOSTILE)
    result = run("m", "--layers")
    assert not {"\x1b", "\u202e"} & set(result.stdout + result.stderr)


# From here on with real children.

QUICK = ("--max-time", "0.1", "--launches", "2")


@pytest.fixture
def no_cache(monkeypatch, tmp_path):
    """Keep measured peaks out of the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_pair_from_end_to_end(no_cache, tmp_path):
    path = models.conv(tmp_path)
    document = json.loads(ok("small-cnn", path, *QUICK, "--layers", "-f", "json"))
    validator("bench").validate(document)
    small, conv = document["models"]
    assert (small["launches"], conv["launches"]) == (2, 2)
    assert document["machine"]["peaks"]["macs_per_second"] > 0
    assert document["comparisons"][0]["b"] == "m"
    for model in document["models"]:
        assert sum(layer["share"] for layer in model["layers"]) == pytest.approx(1)
    nodes = [node for layer in conv["layers"] for node in layer["nodes"]]
    assert sorted(nodes) == ["h", "y"]
    assert sum(layer["macs"] for layer in conv["layers"]) == 18432
    assert sum(layer["macs"] for layer in small["layers"]) == (
        sepcost.analyze("small-cnn").totals.macs
    )


def test_inputs_that_do_not_fit_are_the_users_fault(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.ones((1, 8, 4, 5), np.float32))
    assert "has shape 1x8x4x5" in refused(models.conv(tmp_path), "--inputs", str(path))


def test_an_unknown_operator_is_the_models_fault(tmp_path):
    assert "Mystery" in refused(models.unknown(tmp_path))


def test_a_missing_provider_says_how_to_get_it(tmp_path):
    said = refused(models.conv(tmp_path), "--provider", "dnnl", code=3)
    assert PROVIDERS["dnnl"].package in said


def test_providers_are_listed():
    result = RUNNER.invoke(app, ["providers", "-f", "json"])
    document = json.loads(result.stdout)
    validator("providers").validate(document)
    assert "cpu" in [one["name"] for one in document["providers"] if one["usable"]]
