"""Shapes of ai.onnx.ml, which ONNX does not infer: exports of scikit-learn and the like."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import TensorProto, TypeProto

from sepcost.model.rules import Attributes, Inputs, Rule, as_type, like, shapes
from sepcost.model.values import tensor_type

ML = "ai.onnx.ml"

_FLOAT = TensorProto.FLOAT


def _rows(inputs: Inputs) -> int | None:
    """Return N of [N, F]; a vector is one row."""
    found = shapes(inputs, 0)
    if found is None:
        return None
    return found[0][0] if len(found[0]) > 1 else 1


def _regression(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """[N, targets]; SVMRegressor has one target."""
    rows = _rows(inputs)
    return [] if rows is None else [tensor_type(_FLOAT, (rows, _targets(attrs)))]


def _targets(attrs: Attributes) -> int:
    return int(attrs.get("targets") or attrs.get("n_targets") or 1)


def _classification(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """The labels [N], and the scores [N, classes] if the classes are listed."""
    rows = _rows(inputs)
    if rows is None:
        return []
    words = attrs.get("classlabels_strings")
    numbers = attrs.get("classlabels_int64s") or attrs.get("classlabels_ints")
    labels = tensor_type(TensorProto.STRING if words else TensorProto.INT64, (rows,))
    classes = len(words or numbers or ())
    return [labels, tensor_type(_FLOAT, (rows, classes) if classes else None)]


def _vectorized(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    """FeatureVectorizer: concatenates to [N, sum of all F]."""
    found = shapes(inputs, *range(len(inputs)))
    rows = _rows(inputs)
    if not found or rows is None:
        return []
    return [tensor_type(_FLOAT, (rows, sum(shape[-1] if shape else 1 for shape in found)))]


#: Part of ``contrib.RULES``.
CLASSICAL: Mapping[tuple[str, str], Rule] = {
    (ML, "FeatureVectorizer"): _vectorized,
    (ML, "Imputer"): like(0),
    (ML, "LinearClassifier"): _classification,
    (ML, "LinearRegressor"): _regression,
    (ML, "Normalizer"): as_type(like(0), to=_FLOAT),
    (ML, "SVMRegressor"): _regression,
    (ML, "Scaler"): as_type(like(0), to=_FLOAT),
    (ML, "TreeEnsembleClassifier"): _classification,
    (ML, "TreeEnsembleRegressor"): _regression,
}
