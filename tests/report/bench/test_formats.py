"""A measurement as JSON, CSV and Markdown: content, and escaping of names."""

import csv
import io
import json
from importlib.resources import files
from math import inf

import jsonschema
import pytest

import sepcost
from sepcost.latency.stats import Interval
from sepcost.latency.survey import ProviderInfo
from tests.report import bench_samples as samples
from tests.report.render import render

HOSTILE = "\x1b[31m<b>|`=cmd()\n\u202e[x](y)"
ALL = {
    "one": samples.one(), "several": samples.several(), "layered": samples.layered(),
    "scattered": samples.scattered(), "machine": samples.machine_alone(),
    "hostile": samples.hostile(HOSTILE),
}  # fmt: skip


def validator(name):
    schema = json.loads((files("sepcost.report") / "schemas" / f"{name}-1.json").read_text("utf-8"))
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", ["bench", "samples", "providers"])
def test_the_schemas_are_schemas(name):
    jsonschema.Draft202012Validator.check_schema(validator(name).schema)


@pytest.mark.parametrize("found", ALL.values(), ids=ALL)
def test_every_document_keeps_to_its_schema(found):
    validator("bench").validate(json.loads(render("bench", "json", found)))
    validator("samples").validate(json.loads(render("bench", "samples", found)))


def test_the_document_has_the_promised_keys():
    found = json.loads(render("bench", "json", samples.several()))
    assert list(found)[:3] == ["schema", "version", "sources"]
    assert (found["schema"], found["version"]) == ("sepcost/bench/1", sepcost.__version__)
    assert found["sources"] == ["regular.onnx", "separable.onnx", "copy.onnx", "noisy.onnx"]
    assert {"machine", "provider", "threads", "models", "comparisons"} <= found.keys()
    model = found["models"][0]
    assert model.keys() >= {
        "name", "latency_ns", "statistic", "percentiles_ns", "runs", "launches", "undisturbed",
        "peak_memory_bytes", "placement", "layers",
    }  # fmt: skip
    assert model["latency_ns"] == {"estimate": 10e6, "low": 10e6 / 1.01, "high": 10e6 * 1.01}
    assert model["percentiles_ns"] == {"50": 10_100_000, "90": 11_000_000, "99": 15_000_000}
    assert model["peak_memory_bytes"] == 31_400_000
    pair = found["comparisons"][0]
    assert (pair["a"], pair["b"], pair["verdict"]) == ("regular", "separable", "faster")
    assert pair["ratio"].keys() == {"estimate", "low", "high"}


def test_the_unknown_is_null():
    model = samples.model(latency=Interval(5.0, 0, inf), memory=None, undisturbed=None)
    (found,) = json.loads(render("bench", "json", samples.bench(model, precision=inf)))["models"]
    assert found["latency_ns"] == {"estimate": 5.0, "low": None, "high": None}
    assert (found["peak_memory_bytes"], found["undisturbed"]) == (None, None)


def test_the_placement_names_every_fused_node():
    (found,) = json.loads(render("bench", "json", samples.scattered()))["models"]
    assert [part["share"] for part in found["placement"]] == [0.9, 0.1]
    assert found["placement"][1]["layers"] == ["shape_1", "det_1", "fc_1"]


def test_samples_hold_every_run():
    (found,) = json.loads(render("bench", "samples", samples.one()))["models"]
    assert len(found["launches"]) == 5
    assert found["launches"][0] == {
        "wall_ns": [10_000_000, 11_000_000], "switches": [0, 1], "cpu_ns": [9, 9],
    }  # fmt: skip


def test_the_list_of_providers_keeps_to_its_schema():
    found = [ProviderInfo("cpu", True, ("CPU",)), ProviderInfo("cuda", False, get="a GPU")]
    document = json.loads(render("providers", "json", found))
    validator("providers").validate(document)
    assert document["providers"][1] == {
        "name": "cuda", "usable": False, "devices": [], "get": "a GPU", "host": None,
    }  # fmt: skip


def rows(found):
    return list(csv.DictReader(io.StringIO(render("bench", "csv", found))))


def test_csv_has_one_row_per_model_with_its_pair():
    regular, separable, *_ = rows(samples.several())
    assert (regular["baseline"], regular["verdict"]) == ("", "")
    assert (separable["baseline"], separable["verdict"]) == ("regular", "faster")
    assert float(separable["ratio"]) == 0.4
    assert float(regular["p90_ns"]) == pytest.approx(11e6)
    assert regular["placement"] == "cpu:4"


def test_csv_has_one_row_per_layer_if_layers_were_timed():
    found = rows(samples.layered())
    assert [row["layers"] for row in found] == ["c1 b1 r1", "d1 b2 r2", "p1", "", "w1 w2"]
    assert [row["bound"] for row in found] == ["compute", "memory", "memory", "", ""]
    assert float(found[2]["fraction"]) == 1.75
    assert sum(float(row["share"]) for row in found) == pytest.approx(1)


def test_markdown_begins_with_the_lines_to_quote():
    lines = render("bench", "markdown", samples.several()).splitlines()
    assert lines[0] == "- **`separable` is 2.50× as fast as `regular` (95%: 2.475× to 2.525×)**"
    assert render("bench", "markdown", samples.one()).startswith("**`net`: 10.0 ms ± 1.0%**\n")


def test_markdown_shows_which_provider_ran_what():
    text = render("bench", "markdown", samples.scattered())
    assert "| `net` | openvino | 5 | 90.0% |" in text
    assert "`net` fell back to cpu with `shape_1`, `det_1`, `fc_1`" in text
    assert "fell back" not in render("bench", "markdown", samples.one())


def test_markdown_counts_the_layers_that_it_leaves_out():
    text = render("bench", "markdown", samples.layered(), top=2)
    assert "… 3 more" in text
    assert "`pool`" not in text
    assert "… " not in render("bench", "markdown", samples.layered())


def test_hostile_names_stay_in_their_cells():
    text = render("bench", "markdown", ALL["hostile"])
    assert not {"\x1b", "\u202e"} & set(text)
    outside = "".join(text.split("`")[::2])
    assert "<b>" not in outside
    assert "[x]" not in outside
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {
        line.count("|") for line in tables if set(line) <= set("|-: ")
    }


def test_hostile_names_are_not_formulas():
    text = render("bench", "csv", samples.hostile("=cmd()"))
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert "'=cmd()" in cells
    assert not [cell for cell in cells if cell.startswith("=")]
    assert "\x1b" not in render("bench", "csv", ALL["hostile"])


def test_json_is_ascii():
    text = render("bench", "json", ALL["hostile"])
    assert text.isascii()
    assert json.loads(text)["models"][0]["name"] == HOSTILE
