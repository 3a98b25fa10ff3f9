"""The JSON document keeps to its schema."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

import sepcost
from sepcost.report.analyze.json import render
from sepcost.report.view import Rows, View
from tests.report.samples import analysis, conv_row, plain_row, unknown_row

SCHEMA = json.loads((files("sepcost.report") / "schemas" / "analyze-1.json").read_text("utf-8"))
MODELS = Path(__file__).parents[3] / "../shared/models"
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def document(analyses, view=None):
    found = json.loads(render(analyses, view or View()))
    VALIDATOR.validate(found)
    return found


def test_the_schema_is_a_schema():
    VALIDATOR.check_schema(SCHEMA)


@pytest.mark.parametrize("source", ["small-cnn", "mobilenet-v2", "squeezenet-1.1"])
def test_a_shipped_network_keeps_to_the_schema(source):
    model = document([sepcost.analyze(source)])["models"][0]
    assert sum(layer["macs"] for layer in model["layers"]) == model["totals"]["macs"]
    assert sum(layer["params"] for layer in model["layers"]) == model["totals"]["params"]


@pytest.mark.skipif(not MODELS.is_dir(), reason="no shared models next to the repository")
@pytest.mark.parametrize(
    "name",
    ["st_yamnet_256", "espcn_qonnx_quant", "trt_qdq_conv", "gtcrn", "candy_style", "fastestdet"],
)
def test_a_model_from_the_wild_keeps_to_the_schema(name):
    model = document([sepcost.analyze(MODELS / f"{name}.onnx")])["models"][0]
    counted = [layer for layer in model["layers"] if layer["counted"]]
    assert sum(layer["macs"] or 0 for layer in counted) == model["totals"]["macs"]


def test_the_document_starts_with_its_schema():
    found = document([analysis(conv_row())])
    assert list(found) == ["schema", "version", "sources", "models", "errors"]
    assert found["schema"] == "sepcost/analyze/1"
    assert found["version"] == sepcost.__version__
    assert found["sources"] == ["tiny.onnx"]


def test_the_unknown_is_null():
    layer = document([analysis(unknown_row())])["models"][0]["layers"][0]
    assert (layer["macs"], layer["elementwise_ops"], layer["intensity"]) == (None, None, None)


def test_other_layers_have_neither_conv_nor_separable():
    conv, relu = document([analysis(conv_row(), plain_row())])["models"][0]["layers"]
    assert conv["conv"]["kernel"] == [3, 3]
    assert conv["separable"]["macs"] == 3200
    assert (relu["conv"], relu["separable"]) == (None, None)


def test_a_sweep_names_its_source_once():
    sweep = [analysis(conv_row(), bindings={"N": size}) for size in (1, 2)]
    found = document(sweep)
    assert found["sources"] == ["tiny.onnx"]
    assert [model["bindings"] for model in found["models"]] == [{"N": 1}, {"N": 2}]


def test_groups_are_added_on_request():
    model = document([analysis(conv_row(), plain_row())], View(Rows("op")))["models"][0]
    assert [group["key"] for group in model["groups"]] == ["Conv", "Relu"]
    assert "groups" not in document([analysis(conv_row())])["models"][0]


def test_layers_follow_the_view():
    model = document([analysis(conv_row(), plain_row())], View(Rows(only=["relu"])))["models"][0]
    assert [layer["name"] for layer in model["layers"]] == ["relu1"]


def test_any_name_is_ascii_json():
    name = '"\x1b\u202e\ud800[\n1, 2]\n'
    text = render([analysis(conv_row(name))], View())
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["models"][0]["layers"][0]["name"] == name


def test_shapes_are_on_one_line():
    assert '"kernel": [3, 3]' in render([analysis(conv_row())], View())
