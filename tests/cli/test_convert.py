"""``sepcost convert``: output, files and errors."""

import csv
import io
import json
from importlib.resources import files

import jsonschema
import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

import sepcost
from sepcost.cli.app import app
from sepcost.errors import ConversionError
from tests.separable import networks
from tests.separable.build import parsed, saved

RUNNER = CliRunner()
SCHEMA = json.loads((files("sepcost.report") / "schemas" / "convert-1.json").read_text("utf-8"))


def run(*arguments):
    return RUNNER.invoke(
        app, ["convert", *map(str, arguments)], env={"COLUMNS": "200", "FORCE_COLOR": None}
    )


def ok(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments):
    """The one line of an error."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("sepcost: error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture
def net(tmp_path):
    networks.classifier(tmp_path)
    return tmp_path / "net.onnx"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.onnx"


def test_the_line_to_quote_comes_first(net, out):
    first = ok(net, "-o", out, "--rank", "1", "--no-verify").splitlines()[0]
    assert first.startswith("net: 2 convolutions converted, 184.4 k → ")
    onnx.checker.check_model(out, full_check=True)


def test_every_layer_and_every_promise_is_shown(net, out):
    report = ok(net, "-o", out, "--macs", "50%", "--no-verify")
    assert "goal: --macs 50%" in report
    assert "predicted" in report
    assert str(out) in report
    rows = [line.split() for line in report.splitlines() if line.strip()]
    assert ["b", "depthwise-pointwise"] in [row[:2] for row in rows]
    assert "a" in [row[-1] for row in rows]


def test_a_metric_of_the_users_own_is_found_in_the_current_folder(net, out, tmp_path, monkeypatch):
    (tmp_path / "own_metric.py").write_text(
        "def same(original, converted, labels):\n    return [1.0]"
    )
    monkeypatch.chdir(tmp_path)
    given = ("--calibrate", networks.data(tmp_path, 8), "--bind", "N=1")
    said = refused(net, "-o", out, "--metric", "own_metric:same", *given)
    assert "returned shape [1]; expected one score for each of 2 samples" in said
    assert "ModuleNotFoundError" in refused(net, "-o", out, "--metric", "nowhere:same", *given)


def test_verification_measures_outputs_and_latency(net, out):
    arguments = ("-o", out, "--rank", "full", "--max-time", "0.5", "-f", "json", "--force")
    document = json.loads(run(net, *arguments).stdout)
    jsonschema.validate(document, SCHEMA)
    (output,) = document["fidelity"]["outputs"]
    assert document["fidelity"]["inputs"] == "random"
    assert output["relative_error"] < 1e-5
    assert document["latency"]["comparisons"][0]["b"] == "converted"
    assert document["speedup"] > 0


def test_the_document_keeps_to_its_schema(net, out, tmp_path):
    data = networks.labelled(tmp_path, net)
    arguments = ("--calibrate", data, "--macs", "0.5", "--no-verify", "-f", "json")
    document = json.loads(ok(net, "-o", out, *arguments))
    jsonschema.validate(document, SCHEMA)
    assert document["goal"] == {"aim": "macs", "value": 0.5, "met": True}
    assert document["predicted"]["macs"] == document["after"]["macs"]
    assert document["written"] == [str(out)]
    assert document["effect"]["top1_drop"] is not None
    assert document["gradients"] == {"reached": 2, "of": 2, "stopped_by": {}}


def test_tuning_has_a_number_of_passes(net, out, tmp_path):
    data = networks.data(tmp_path, 64)
    common = (net, "-o", out, "--calibrate", data, "--rank", "1", "--no-verify", "--force")
    document = json.loads(ok(*common, "--tune", "320", "-f", "json"))
    jsonschema.validate(document, SCHEMA)
    assert document["tuning"]["passes"] == 320
    assert document["tuning"]["samples"] == 16
    assert "320 samples run" in ok(*common, "--tune", "320")
    assert json.loads(ok(*common, "--tune", "off", "-f", "json"))["tuning"] is None
    assert "expected auto, off or a number" in refused(*common, "--tune", "much")
    assert "--tune 9: needs calibration data" in refused(net, "-o", out, "--tune", "9")


def test_where_gradients_end_is_noted(tmp_path):
    text = networks.TEXT.replace("GlobalAveragePool", "GlobalLpPool")
    saved(parsed(text, networks.weights()), tmp_path, "net.onnx")
    data = networks.data(tmp_path, 16)
    arguments = (tmp_path / "net.onnx", "--calibrate", data, "--macs", "0.5", "--no-verify")
    result = run(*arguments, "--dry-run", "-f", "json")
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["gradients"] == {"reached": 0, "of": 2, "stopped_by": {"GlobalLpPool": 2}}
    line = (
        "gradients could be computed for only 0 of 2 convolutions; the others are planned without "
        "them (2 stopped by GlobalLpPool)"
    )
    assert line in result.stderr
    assert any(line in note for note in document["notes"])


def test_rows_in_csv_are_layers(net):
    report = ok(net, "--dry-run", "--rank", "1", "--skip", "b", "--no-verify", "-f", "csv")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(report))}
    assert rows["a"]["action"] == "converted"
    assert (rows["b"]["action"], rows["b"]["reason"]) == ("kept", "matched by --skip")


def test_kept_layers_are_listed_by_reason(net):
    report = ok(net, "--dry-run", "--rank", "1", "--skip", "[ab]", "--no-verify")
    rows = [" ".join(line.split()) for line in report.splitlines()]
    assert rows[rows.index("kept op reason layers") + 2 :] == ["2 Conv matched by --skip a, b"]


def test_markdown_has_tables(net):
    report = ok(net, "--dry-run", "--rank", "2", "--no-verify", "-f", "markdown")
    assert report.startswith("**`net`: 2 convolutions converted")
    assert "| `a` | depthwise-pointwise | 2 |" in report


def test_dense_layers_are_converted_on_request(net, out, tmp_path):
    report = tmp_path / "report.json"
    arguments = (net, "-o", out, "--rank", "2", "--no-verify", "--force")
    shown = ok(*arguments, "--dense").splitlines()
    assert shown[0].startswith("net: 2 convolutions and 1 dense layer converted, 184.4 k → ")
    assert any(line.split()[:3] == ["y", "bottleneck", "2"] for line in shown)
    onnx.checker.check_model(out, full_check=True)
    ok(*arguments, "--dense", "--only", "y", "-f", "json", "-r", report)
    document = json.loads(report.read_text("utf-8"))
    jsonschema.validate(document, SCHEMA)
    kept = {layer["id"]: layer["reason"] for layer in document["layers"] if layer["reason"]}
    assert kept == dict.fromkeys(["a", "b"], "not matched by --only")
    (layer,) = (layer for layer in document["layers"] if layer["action"] == "converted")
    assert (layer["op_type"], layer["form"], layer["macs_before"]) == ("Gemm", "bottleneck", 48)
    assert layer["macs_after"] == 2 * (16 + 3)


def test_a_share_of_the_params_is_a_goal(net, out):
    shown = ok(net, "-o", out, "--params", "60%", "--no-verify", "--force")
    assert "goal: --params 60%\n" in shown
    before, after = (sepcost.analyze(path).totals.params for path in (net, out))
    assert after <= 0.6 * before


def test_without_dense_they_are_not_listed(net):
    assert "Gemm" not in ok(net, "--rank", "1", "--no-verify", "--dry-run")


def test_a_dry_run_writes_nothing(net, out):
    ok(net, "-o", out, "--rank", "1", "--no-verify", "--dry-run")
    assert not out.exists()


def test_a_report_can_go_to_a_file(net, out, tmp_path):
    report = tmp_path / "report.json"
    arguments = ("-o", out, "--rank", "1", "--no-verify", "-f", "json")
    assert ok(net, *arguments, "--report", report) == ""
    assert json.loads(report.read_text())["schema"] == "sepcost/convert/1"


def test_a_missed_goal_ends_with_1_and_writes_nothing(net, out):
    result = run(net, "-o", out, "--macs", "0.001", "--no-verify")
    assert result.exit_code == 1
    assert "goal not met: asked --macs 0.001, best reached" in result.stderr
    assert not out.exists()
    assert run(net, "-o", out, "--macs", "0.001", "--no-verify", "--force").exit_code == 1
    assert out.exists()


def test_nothing_worth_converting_is_a_failure_only_if_a_file_was_asked_for(net, out):
    arguments = (net, "--max-error", "1e-9", "--no-verify")
    assert "nothing worth converting" in ok(*arguments, "--dry-run")
    result = run(*arguments, "-o", out)
    assert result.exit_code == 1
    assert "--copy-unchanged" in result.stderr
    assert not out.exists()
    assert str(out) in ok(*arguments, "-o", out, "--copy-unchanged")


def test_without_data_it_says_so(net):
    result = run(net, "--dry-run", "--rank", "1", "--no-verify")
    assert "no calibration data" in result.stderr
    assert (
        "no calibration data"
        not in run(net, "--dry-run", "--rank", "1", "--no-verify", "-q").stderr
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rank", "0"], "--rank '0'"),
        (["--rank", "half"], "--rank 'half'"),
        (["--rank", "1", "--macs", "0.5"], "--rank and --macs: give only one cost goal"),
        (
            ["--max-error", "1%", "--max-drop", "1%"],
            "--max-drop and --max-error: give only one quality goal",
        ),
        (["--speedup", "0.5"], "above 1"),
        (["--macs", "2"], "below 1"),
        (["--macs", "150%"], "--macs 150%: must be below 100%"),
        (["--params", "1.5"], "--params 1.5: must be below 1"),
        (["--params", "0.5", "--macs", "0.5"], "--macs and --params: give only one cost goal"),
        (["--max-drop", "1"], "--max-drop 1 means 100 points; write 1% (or 0.01) for 1 point"),
        (["--max-drop", "100%"], "--max-drop 100%: must be below 100%"),
        (["--max-drop", "1%"], "--max-drop 1%: needs calibration data; add --calibrate"),
        (["--max-drop", "0.01"], "--max-drop 0.01: needs calibration data; add --calibrate"),
        (["--forms", "spiral"], "--forms 'spiral'"),
        (["--init", "random"], "--rank"),
        (["--mean", "a"], "--mean 'a'"),
        (["--size", "big"], "--size 'big'"),
        (["--calibrate", "nowhere.npz"], "nowhere.npz"),
        (["--bind", "N=1,2"], "one size"),
    ],
)
def test_invalid_requests_are_reported_in_one_line(net, arguments, words):
    assert words in refused(net, "--dry-run", "--no-verify", *arguments)


def test_a_missed_goal_says_what_became_of_the_model(net, out):
    written = run(net, "-o", out, "--macs", "1%", "--no-verify")
    assert written.exit_code == 1
    assert "asked --macs 1%, best reached " in written.stderr
    assert "no model was written (--force writes it)" in written.stderr
    assert "was written" not in run(net, "--dry-run", "--macs", "1%", "--no-verify").stderr


def test_a_goal_that_is_met_is_told_from_a_minimum_requirement_that_is_not(net, tmp_path):
    np.savez(tmp_path / "few.npz", x=networks.images(4))  # too few to show agreement
    asked = (net, "--macs", "0.9", "--calibrate", tmp_path / "few.npz", "--dry-run")
    found = run(*asked, "--tune", "0")
    assert found.exit_code == 1
    assert "minimum requirement not met" in found.stderr
    assert "goal: --macs 0.9 (met, but a minimum requirement is not)" in found.stdout
    document = json.loads(run(*asked, "--tune", "0", "-f", "json").stdout)
    assert (document["goal"]["met"], bool(document["missed"])) == (True, True)
    assert "(not met)" in run(net, "--dry-run", "--macs", "1%", "--no-verify").stdout


def test_an_array_without_a_name_is_refused(net, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 3, 8, 8), np.float32))
    line = refused(net, "--dry-run", "--calibrate", tmp_path / "x.npy")
    assert "x.npy: a single array; give an .npz or a folder" in line


def test_an_output_file_is_needed(net):
    assert "--dry-run" in refused(net, "--rank", "1")


def test_the_input_and_other_files_are_safe(net, out):
    before = net.read_bytes()
    assert "never overwritten" in refused(net, "-o", net, "--rank", "1", "--force")
    assert net.read_bytes() == before
    out.write_text("precious")
    assert "exists" in refused(net, "-o", out, "--rank", "1")
    assert out.read_text() == "precious"


def test_bad_weights_are_named(tmp_path, out):
    weights = networks.weights()
    weights["w1"][0, 0, 0, 0] = np.nan
    from tests.separable.build import parsed, saved

    saved(parsed(networks.TEXT, weights), tmp_path, "bad.onnx")
    assert "'w1' contains NaN" in refused(tmp_path / "bad.onnx", "-o", out, "--rank", "1")


def test_bad_data_are_named(net, tmp_path):
    path = tmp_path / "bad.npz"
    images = networks.images(8)
    images[3, 0, 0, 0] = np.nan
    np.savez(path, x=images)
    assert "'x' contains NaN" in refused(net, "--dry-run", "--calibrate", path)


def test_random_weights_need_a_rank(net, out):
    document = json.loads(
        ok(net, "-o", out, "--rank", "1", "--init", "random", "--no-verify", "-f", "json")
    )
    assert all(row["weight_error"] is None for row in document["layers"])


def test_options_of_a_provider_go_to_the_provider(net, monkeypatch):
    asked = []

    def convert(source, target=None, *, settings, **_):
        asked.append(settings.runtime)
        raise ConversionError("enough")

    monkeypatch.setattr("sepcost.routes.convert.convert", convert)
    given = ("--provider", "OpenVINO,cpu", "--provider-option", "device_type=GPU")
    refused(net, "--dry-run", *given)
    assert asked[0].providers == ("openvino", "cpu")
    assert asked[0].provider_options == {"openvino": {"device_type": "GPU"}}


@pytest.mark.parametrize("more", [[], ["--no-verify"]])
def test_an_unknown_provider_is_refused(net, more):
    error = refused(net, "--dry-run", "--rank", "1", "--provider", "cdua", *more)
    assert "--provider" in error
    assert "did you mean 'cuda'?" in error


def test_that_nothing_was_written_is_said_once(net, tmp_path):
    target = tmp_path / "same.onnx"
    result = run(net, "-o", target, "--max-error", "1e-9", "--only", "nothing")
    assert result.exit_code == 1
    assert result.stderr.count("was not written") == 1
    assert "no model was written" not in result.stderr


@pytest.mark.parametrize("option", [("--mean", "0.5"), ("--size", "8x8"), ("--layout", "nhwc")])
def test_options_of_images_need_images(option, net):
    assert "only for images; add --calibrate" in refused(net, "--dry-run", *option)
