"""Shapes of ai.onnx.ml, against what ONNX Runtime's run returns."""

import numpy as np
import onnx
import pytest
from onnx import helper

from sepcost.model.ml_rules import ML
from tests.model.build import network, run

F, I64 = np.float32, np.int64

FOREST = {
    "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_values": [0.5, 0.0, 0.0],
    "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0],
    "nodes_missing_value_tracks_true": [0, 0, 0], "nodes_hitrates": [1.0, 1.0, 1.0],
}  # fmt: skip

CASES = [
    ("Scaler", [((3, 8), F)], 1, {"offset": [0.0] * 8, "scale": [1.0] * 8}),
    ("Scaler", [((3, 8), I64)], 1, {"offset": [0.0] * 8, "scale": [1.0] * 8}),
    ("Imputer", [((3, 8), F)], 1, {"imputed_value_floats": [0.0]}),
    ("Imputer", [((3, 8), I64)], 1, {"imputed_value_int64s": [0]}),
    ("Normalizer", [((3, 8), F)], 1, {"norm": "L2"}),
    ("Normalizer", [((3, 8), I64)], 1, {"norm": "L1"}),
    ("LinearRegressor", [((3, 8), F)], 1, {"coefficients": [1.0] * 8}),
    ("LinearRegressor", [((3, 8), F)], 1, {"coefficients": [1.0] * 16, "targets": 2}),
    ("LinearClassifier", [((3, 8), F)], 2,
     {"coefficients": [1.0] * 24, "intercepts": [0.0] * 3, "classlabels_ints": [0, 1, 2]}),
    ("LinearClassifier", [((3, 8), F)], 2,
     {"coefficients": [1.0] * 8, "intercepts": [0.0], "classlabels_ints": [0, 1]}),
    ("FeatureVectorizer", [((3, 8), F), ((3, 2), F)], 1, {"inputdimensions": [8, 2]}),
    ("SVMRegressor", [((3, 2), F)], 1,
     {"coefficients": [1.0, 1.0], "support_vectors": [1.0] * 4, "n_supports": 2, "rho": [0.0],
      "kernel_type": "LINEAR", "kernel_params": [0.1, 0.0, 3.0]}),
    ("TreeEnsembleRegressor", [((3, 2), F)], 1,
     {**FOREST, "n_targets": 2, "target_treeids": [0, 0], "target_nodeids": [1, 2],
      "target_ids": [0, 1], "target_weights": [1.0, 2.0]}),
    ("TreeEnsembleClassifier", [((3, 2), F)], 2,
     {**FOREST, "class_treeids": [0, 0], "class_nodeids": [1, 2], "class_ids": [0, 2],
      "class_weights": [1.0, 2.0], "classlabels_int64s": [5, 6, 7]}),
    ("TreeEnsembleClassifier", [((3, 2), F)], 2,
     {**FOREST, "class_treeids": [0, 0], "class_nodeids": [1, 2], "class_ids": [0, 1],
      "class_weights": [1.0, 2.0], "classlabels_strings": ["a", "b"]}),
]  # fmt: skip


def model(op_type, given, outputs, attributes):
    inputs = [
        helper.make_tensor_value_info(f"x{k}", helper.np_dtype_to_tensor_dtype(np.dtype(kind)), s)
        for k, (s, kind) in enumerate(given)
    ]
    names = [value.name for value in inputs]
    results = [f"y{k}" for k in range(outputs)]
    node = helper.make_node(op_type, names, results, domain=ML, **attributes)
    graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name=r) for r in results])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 3)]
    feeds = {f"x{k}": np.ones(*each) for k, each in enumerate(given)}
    return helper.make_model(graph, opset_imports=opsets, ir_version=9), feeds


@pytest.mark.parametrize(("op_type", "given", "outputs", "attributes"), CASES)
def test_shapes_agree_with_onnx_runtime(op_type, given, outputs, attributes):
    proto, feeds = model(op_type, given, outputs, attributes)
    found = network(proto)
    expected = run(proto, feeds)
    assert [found.values[name].shape for name in found.outputs] == [y.shape for y in expected]
    kinds = ["string" if y.dtype == object else y.dtype.name for y in expected]
    assert [found.values[name].dtype for name in found.outputs] == kinds


def test_a_vector_is_one_row():
    proto, feeds = model("LinearRegressor", [((8,), F)], 1, {"coefficients": [1.0] * 8})
    assert network(proto).values["y0"].shape == run(proto, feeds)[0].shape == (1, 1)


def test_what_follows_a_scaler_is_counted():
    proto, _ = model("Scaler", [((3, 8), F)], 1, {"offset": [0.0], "scale": [1.0]})
    proto.graph.node.append(helper.make_node("MatMul", ["y0", "w"], ["z"]))
    proto.graph.initializer.append(helper.make_tensor("w", 1, [8, 4], [0.0] * 32))
    proto.graph.output[0].name = "z"
    assert network(proto).layers[1].outputs == ((3, 4),)
