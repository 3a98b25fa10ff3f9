"""Files of small models, written as ONNX text, for child processes."""

from collections.abc import Callable
from pathlib import Path

import onnx
import onnx.parser
import pytest

from sepcost.latency.jobs import ModelFile
from sepcost.network import Role, Value

Write = Callable[..., ModelFile]


def model_file(path: Path, model: onnx.ModelProto) -> ModelFile:
    """Describe the inputs of a saved model as ``model/`` does."""
    weights = {tensor.name for tensor in model.graph.initializer}
    fed = [value for value in model.graph.input if value.name not in weights]
    return ModelFile(path.stem, path, tuple(map(_value, fed)))


def _value(info: onnx.ValueInfoProto) -> Value:
    tensor = info.type.tensor_type
    dtype = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    shape = tuple(dim.dim_value or 1 for dim in tensor.shape.dim)
    return Value(info.name, shape, {"float": "float32"}.get(dtype, dtype), Role.INPUT)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write ONNX text to a file: ``write(text, name)``."""

    def save(text: str, name: str = "model") -> ModelFile:
        model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 17]> ' + text)
        path = tmp_path / f"{name}.onnx"
        onnx.save(model, path)
        return model_file(path, model)

    return save
