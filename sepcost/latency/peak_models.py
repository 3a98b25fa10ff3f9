"""The models that measure a machine's peaks: a large copy and large matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx.parser
from onnx import numpy_helper

from sepcost.latency.jobs import ModelFile
from sepcost.network import Role, Value

SIDES = (512, 1024)  # of matrices: short runs are rarely disturbed, long ones occupy all cores
COPIED = 32 * 2**20  # elements of 4 bytes, far more than any cache holds


def written(folder: Path) -> list[ModelFile]:
    """Write the models to files, as ``peaks.measure`` takes them."""
    files = []
    for number, (model, value) in enumerate(_models()):
        path = folder / f"peak-{number}.onnx"
        path.write_bytes(model)
        files.append(ModelFile("the machine", path, (value,)))
    return files


def _models() -> Iterator[tuple[bytes, Value]]:
    yield _copy(), Value("x", (COPIED,), "float32", Role.INPUT)
    for side in SIDES:
        yield _product(side), Value("x", (side, side), "float32", Role.INPUT)
        yield _quantised_product(side), Value("x", (side, side), "uint8", Role.INPUT)


def _product(side: int) -> bytes:
    """Build x @ w with a constant w, like the weights of convolutions."""
    weight = np.random.default_rng(0).random((side, side), np.float32)
    return _model(
        "product = MatMul (x, w)  y = Slice (product, zero, one, zero)",
        [side, side],
        [numpy_helper.from_array(weight, "w")],
    )


def _quantised_product(side: int) -> bytes:
    """Build a product of uint8 by int8 in QDQ format, which providers fuse into one kernel."""
    weight = np.random.default_rng(0).integers(-127, 128, (side, side), np.int8)
    scales = {"s": np.float32(0.01), "z": np.uint8(0), "ws": np.float32(0.01), "wz": np.int8(0)}
    stored = {"w": weight, **scales, "ys": np.float32(side / 100)}
    return _model(
        "a = DequantizeLinear (x, s, z)  b = DequantizeLinear (w, ws, wz)  c = MatMul (a, b)"
        "  product = QuantizeLinear (c, ys, z)  y = Slice (product, zero, one, zero)",
        [side, side],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()],
        "uint8",
    )


def _copy() -> bytes:
    """Build a pass over a tensor that reads and writes each element once."""
    return _model("copied = Neg (x)  y = Slice (copied, zero, one, zero)", [COPIED], [])


def _model(
    nodes: str, shape: list[int], weights: list[onnx.TensorProto], kind: str = "float"
) -> bytes:
    """Build a model from ONNX text; its Slice keeps the large result inside the model."""
    sizes = ",".join(map(str, shape))
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> peak ({kind}[{sizes}] x) => ({kind}[1] y)'
        f"<int64[1] zero = {{0}}, int64[1] one = {{1}}> {{ {nodes} }}"
    )
    model.graph.output[0].type.tensor_type.ClearField("shape")
    model.graph.initializer.extend(weights)
    return bytes(model.SerializeToString())
