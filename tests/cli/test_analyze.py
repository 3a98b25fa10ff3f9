"""``sepcost analyze``: output, files and errors."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sepcost.cli.analyze import _remedied
from sepcost.cli.app import app
from tests.cli import models

RUNNER = CliRunner()


def run(*arguments, **environment):
    return RUNNER.invoke(
        app, ["analyze", *arguments], env={"COLUMNS": None, "FORCE_COLOR": None} | environment
    )


def ok(*arguments, **environment):
    result = run(*arguments, **environment)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments):
    """The one line of an error."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("sepcost: error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def totals(*arguments):
    return [model["totals"] for model in json.loads(ok(*arguments, "-f", "json"))["models"]]


def test_the_line_to_quote_comes_first(tmp_path):
    assert ok(models.conv(tmp_path)).splitlines()[0] == (
        "m: 18.4 k MACs, 1.15 k params; 5.76× fewer MACs if separable"
    )


def test_every_layer_has_its_row_when_piped(tmp_path):
    report = ok(models.conv(tmp_path))
    assert {"Conv", "Relu", "5.76×", "100%", "1×16×4×4"} <= set(report.split())


def test_a_pipe_gets_neither_colours_nor_bars_nor_cut_names(tmp_path):
    name = "a_very_long_name/" * 4
    path = models.save(tmp_path, "g (float[4] x) => (float[4] %s) { %s = Relu (x) }".replace(
        "%s", name.replace("/", "_")
    ))  # fmt: skip
    report = ok(path)
    assert name.replace("/", "_") in report
    assert "\x1b" not in report
    assert "█" not in report


def test_narrow_and_wide_tables_fit(tmp_path):
    for width in (40, 80, 120, 200):
        lines = ok(models.conv(tmp_path), COLUMNS=str(width)).splitlines()
        assert max(map(len, lines)) <= width


def test_a_wider_screen_shows_more_columns(tmp_path):
    narrow, wide = (ok(models.conv(tmp_path), COLUMNS=width) for width in ("60", "160"))
    assert "FLOPs/B" in wide
    assert "FLOPs/B" not in narrow


def test_json_is_pure_on_stdout(tmp_path):
    document = json.loads(ok(models.dynamic(tmp_path), "-f", "json"))
    assert document["models"][0]["totals"]["macs"] == 8
    assert document["models"][0]["bindings"] == {"N": 1}


SHAPE = "1 MatMul not counted (a shape is unknown): 'y'"
REASONS = ("a shape is unknown", "no formula for this operator")


@pytest.mark.parametrize("how", [(), ("--bind", "N=1:2"), ("--symbolic",)])
def test_a_note_on_what_is_not_counted_says_what_may_help(tmp_path, how):
    notes = run(models.data_dependent(tmp_path), *how).stderr
    assert f"{SHAPE}; --observe may find the shape\n" in notes
    notes = run(models.unknown_dynamic(tmp_path), *how).stderr
    assert "(no formula for this operator)" in notes
    assert notes.endswith("; add a formula with --operators\n")


def test_a_remedy_is_advised_once_and_only_where_it_helps():
    shape, formula = (f"not counted ({why}): 'y'" for why in REASONS)
    assert _remedied([shape, shape], False) == [f"{shape}; --observe may find the shape", shape]
    assert _remedied([shape], True) == [shape]
    assert _remedied([shape, "pass --observe"], False) == [shape, "pass --observe"]
    assert _remedied([shape, formula], False) == [
        shape,
        f"{formula}; add a formula with --operators",
    ]


def test_notes_go_to_stderr_unless_quiet(tmp_path):
    path = models.dynamic(tmp_path)
    assert "sepcost: note: " in run(path).stderr
    assert run(path, "--quiet").stderr == ""


def test_a_sweep_is_one_table(tmp_path):
    lines = ok(models.dynamic(tmp_path), "--bind", "N=1,2,4").splitlines()
    assert len(lines) == 2 + 3
    assert [line.split()[1:3] for line in lines[2:]] == [["N=1", "8"], ["N=2", "16"], ["N=4", "32"]]


def test_a_sweep_in_csv_has_one_row_per_binding(tmp_path):
    rows = list(
        csv.DictReader(io.StringIO(ok(models.dynamic(tmp_path), "--bind", "N=1,3", "-f", "csv")))
    )
    assert [(row["bindings"], row["macs"], row["macs_per_item"]) for row in rows] == [
        ("N=1", "8", "8"),
        ("N=3", "24", "8"),
    ]


def test_a_sweep_keeps_its_layers_in_json(tmp_path):
    found = totals(models.dynamic(tmp_path), "--bind", "N=1,2")
    assert [each["macs"] for each in found] == [8, 16]


def test_shapes_are_given_by_input(tmp_path):
    assert totals(models.dynamic(tmp_path), "--shape", "x=5x4")[0]["macs"] == 40


def test_several_sources_end_in_a_comparison(tmp_path):
    report = ok(models.conv(tmp_path, "a.onnx"), models.conv(tmp_path, "b.onnx"))
    last = report.split("\n\n")[-1].splitlines()
    assert [line.split()[0] for line in last[-2:]] == ["a", "b"]


def test_groups(tmp_path):
    rows = csv.DictReader(io.StringIO(ok(models.conv(tmp_path), "--by", "op", "-f", "csv")))
    assert {row["key"]: row["macs"] for row in rows} == {"Conv": "18432", "Relu": "0"}


def test_only_and_top_leave_the_totals_alone(tmp_path):
    document = json.loads(ok(models.conv(tmp_path), "--only", "relu", "-f", "json"))
    model = document["models"][0]
    assert [layer["op_type"] for layer in model["layers"]] == ["Relu"]
    assert model["totals"]["macs"] == 18432


def test_an_only_that_matches_nothing_is_noted(tmp_path):
    result = run(models.conv(tmp_path), "--only", "relu", "--only", "foo")
    assert result.exit_code == 0
    assert "no layer matches --only foo" in result.stderr
    assert "--only relu" not in result.stderr


def test_flops(tmp_path):
    assert "36.9 k FLOPs" in ok(models.conv(tmp_path), "--unit", "flops")


def test_conventions_reach_the_count(tmp_path):
    path = models.save(
        tmp_path,
        """g (float[1, 1, 2, 2] x) => (float[1, 1, 4, 4] y) <float[1, 1, 2, 2] w = {1, 1, 1, 1}>
        { y = ConvTranspose <strides = [2, 2]> (x, w) }""",
    )
    # 2·2 input or 4·4 output positions, times a 2×2 kernel
    assert totals(path)[0]["macs"] == 16
    assert totals(path, "--conv-transpose", "output")[0]["macs"] == 64


def test_unknown_operators_are_listed_and_the_total_is_a_lower_bound(tmp_path):
    report = ok(models.unknown(tmp_path))
    assert report.startswith("unknown: at least 0 MACs")
    assert " peak activations, at least 0 elementwise ops" in report
    assert "Not counted: 1 layer\n" in report
    assert r"m\x1b[31m" in report
    assert "\x1b" not in report


def test_user_operators(tmp_path, monkeypatch):
    (tmp_path / "my_formulas.py").write_text(
        "TABLE = {('com.acme', 'Mystery'): lambda layer: 3 * 5 * 7}\n"
    )
    monkeypatch.chdir(tmp_path)
    found = totals(models.unknown(tmp_path), "--operators", "my_formulas:TABLE")
    assert found[0]["macs"] == 105


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("nowhere_at_all:X", "ModuleNotFoundError"),
        ("json:nothing", "AttributeError"),
        ("json:dumps", "expected a dict {(domain, op_type)"),
        ("json", "expected MODULE:NAME"),
    ],
)
def test_invalid_user_operators(tmp_path, given, told):
    assert told in refused(models.conv(tmp_path), "--operators", given)


def test_a_report_file_is_complete_and_plain(tmp_path):
    path = tmp_path / "report.txt"
    assert ok(models.conv(tmp_path), "-o", str(path)) == ""
    assert path.read_text(encoding="utf-8") == ok(models.conv(tmp_path))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["m.onnx", "report.txt"]


def test_a_report_never_replaces_the_model(tmp_path):
    path = models.conv(tmp_path)
    before = Path(path).read_bytes()
    assert "one of the sources" in refused(path, "-o", path)
    assert "one of the sources" in refused(path, "--netron", path)
    assert Path(path).read_bytes() == before


def test_a_netron_attachment(tmp_path):
    path = tmp_path / "attachment.json"
    ok(models.conv(tmp_path), "--netron", str(path))
    metrics = json.loads(path.read_text())["metrics"]
    assert {"kind": "value", "target": "h", "name": "macs", "value": 18432} in metrics


def test_the_papers_table_3():
    report = ok("--conv", "3x3,512,512,14", "--alpha", "0.75", "--rho", "0.714")
    rows = [" ".join(line.split()) for line in report.splitlines()]
    assert rows[4:8] == [
        "regular 462.4 M 2.36 M",
        "separable 52.3 M 266.8 k 8.84×",
        "at α 0.75 29.6 M 150.9 k 15.6×",
        "at α 0.75, ρ 0.714 15.1 M 150.9 k 30.6×",
    ]
    exact = totals("--conv", "3x3,512,512,14", "--alpha", "0.75", "--rho", "0.714")
    assert [each["separable_macs"] for each in exact] == [52_283_392, 29_578_752, 15_091_200]
    assert [each["separable_params"] for each in exact] == [266_752, 150_912, 150_912]
    assert (exact[0]["macs"], exact[0]["params"]) == (462_422_016, 2_359_296)


def test_a_layer_that_cannot_be_separated_says_why():
    assert "not separable: already pointwise" in ok("--conv", "1x1,64,64,14")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "nothing to analyze"),
        (("--conv", "3x3,512,512"), "expected KERNEL,M,N,SIZE"),
        (("--conv", "3x3,8,8,4", "vgg16"), "--conv and SOURCE cannot be combined"),
        (("no_such_file.onnx",), "no_such_file.onnx"),
        (("vgg16", "--bind", "N"), "expected DIM=SIZE"),
        (("vgg16", "--bind", "N=0"), "expected a positive integer"),
        (("vgg16", "--bind", "N=1", "--bind", "N=2"), "given twice"),
        (("vgg16", "--shape", "x=1x2.5"), "expected a positive integer"),
        (("vgg16", "--shape", "y=1xtwo"), "no input is named 'y'; choose from: input"),
        (("vgg16", "small-cnn", "--netron", "n.json"), "one model"),
        (("-", "-"), "only once"),
    ],
)
def test_invalid_options_are_refused_in_one_line(arguments, told):
    assert told in refused(*arguments)


def test_a_name_full_of_escapes_is_shown_safely():
    assert r"\x1b[31m" in refused("\x1b[31mred\n.onnx")


def test_a_page_is_a_format_too():
    assert ok("vgg16", "--format", "html").startswith("<!doctype html>")
