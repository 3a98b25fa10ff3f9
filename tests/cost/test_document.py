"""The JSON document and its keys."""

import json

import pytest

from sepcost.cost.count import count
from sepcost.cost.document import SCHEMA, group_entries, headed, per_item
from sepcost.cost.groups import groups
from sepcost.network import Role
from tests.cost.build import network, node, table, value

VALUES = table(x=(2, 8, 6, 6), w=(16, 8, 3, 3), wb=(16,), y=(2, 16, 3, 3), z=None)
VALUES["empty"] = value("empty", (0,), Role.CONSTANT)
LAYERS = [
    node(VALUES, "Conv", "x w _", "y", strides=(2, 2), pads=(1, 1, 1, 1)),
    node(VALUES, "MyOp", "y empty", "z", domain="com.acme", missing=("z has no static shape",)),
]
NET = network(VALUES, LAYERS, "z", opsets={"": 17}, bindings={"N": 2}, batch=2)
FOUND = count(NET, "m.onnx")


def test_the_document_starts_as_every_document_does():
    found = headed([FOUND.entry(), FOUND.entry()], ["m.onnx", "m.onnx"])
    assert list(found) == ["schema", "version", "sources", "models"]
    assert (found["schema"], found["sources"]) == (SCHEMA, ["m.onnx", "m.onnx"])
    assert len(found["models"]) == 2


def test_one_analysis_is_a_document_of_its_own():
    assert FOUND.to_dict() == headed([FOUND.entry()], ["m.onnx"])


def test_the_entry_has_the_promised_keys():
    found = FOUND.entry()
    assert {
        "name",
        "opset",
        "inputs",
        "bindings",
        "totals",
        "coverage",
        "layers",
        "warnings",
    } <= set(found)
    assert set(found["totals"]) == {
        "macs", "flops", "params", "elementwise_ops", "weight_bytes", "activation_bytes",
        "peak_activation_bytes", "separable_macs", "separable_params", "reduction",
        "bytes_moved", "intensity",
    }  # fmt: skip
    assert found["coverage"] == {
        "counted": 1, "free": 0, "unknown": 1, "unresolved": 0, "complete": False,
    }  # fmt: skip
    assert found["inputs"] == [{"name": "x", "dtype": "float32", "shape": [2, 8, 6, 6]}]
    assert (found["opset"], found["bindings"]) == (17, {"N": 2})


def test_a_layer_row():
    row = FOUND.entry()["layers"][0]
    assert {
        "id", "name", "op_type", "domain", "scope", "trips", "inputs", "outputs", "macs", "params",
        "elementwise_ops", "bytes_moved", "intensity", "conv", "separable",
    } <= set(row)  # fmt: skip
    assert row["inputs"] == [[2, 8, 6, 6], [16, 8, 3, 3], None]
    assert row["conv"] == {
        "kernel": [3, 3], "strides": [2, 2], "dilations": [1, 1], "pads": [1, 1, 1, 1],
        "group": 1, "in_channels": 8, "out_channels": 16, "transposed": False,
    }  # fmt: skip
    assert set(row["separable"]) == {
        "eligible", "reason", "macs", "params", "ratio", "break_even_rank",
    }  # fmt: skip
    assert (row["status"], row["counted"]) == ("counted", True)


def test_unknown_values_are_null():
    row = FOUND.entry()["layers"][1]
    assert (row["macs"], row["bytes_moved"], row["intensity"]) == (None, None, None)
    assert (row["conv"], row["separable"]) == (None, None)
    assert row["inputs"] == [[2, 16, 3, 3], [0]]  # an empty tensor is not unknown
    assert row["outputs"] == [None]


def test_totals_of_one_item():
    found = per_item(FOUND.totals, FOUND.network.batch)
    assert found is not None
    assert found["batch"] == 2
    assert found["macs"] * 2 == FOUND.totals.macs
    assert count(network(VALUES, LAYERS, "z"), "m").entry()["per_item"] is None


def test_the_document_is_plain_json():
    text = json.dumps(FOUND.to_dict(), allow_nan=False)
    assert json.loads(text) == FOUND.to_dict()


@pytest.mark.parametrize("by", ["op", "scope", "kernel"])
def test_groups_as_dicts_sum_up(by):
    found = group_entries(groups(FOUND, by))
    assert sum(group["macs"] for group in found) == FOUND.totals.macs
    assert all(group["flops"] == 2 * group["macs"] for group in found)
