"""The models that the benchmarks read, generated so that nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from benchmarks.results import ROOT
from sepcost.model.load import load

SHARED = ROOT.parent / "shared" / "models"

WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512)
RANDOM = np.random.default_rng(0)


def _weight(name: str, *dims: int) -> TensorProto:
    values = RANDOM.random(dims, np.float32)
    return TensorProto(name=name, data_type=1, dims=dims, raw_data=values.tobytes())


def _save(
    path: Path,
    shape: list[int],
    nodes: list[onnx.NodeProto],
    weights: list[TensorProto],
) -> None:
    x = helper.make_tensor_value_info("x0", 1, shape)
    y = helper.make_tensor_value_info(nodes[-1].output[0], 1, None)
    graph = helper.make_graph(nodes, path.stem, [x], [y], weights)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)


def vgg19(path: Path) -> None:
    """Write VGG19 (Simonyan and Zisserman 2015) with 574 MB of weights inside the file."""
    nodes: list[onnx.NodeProto] = []
    weights: list[TensorProto] = []

    def layer(op_type: str, *shapes: tuple[int, ...], **attributes: Any) -> None:
        k = len(nodes)
        names = [f"w{k}_{i}" for i in range(len(shapes))]
        weights.extend(_weight(name, *dims) for name, dims in zip(names, shapes, strict=True))
        nodes.append(helper.make_node(op_type, [f"x{k}", *names], [f"x{k + 1}"], **attributes))

    channels = 3
    for width in (*WIDTHS, 0):
        if width:
            layer("Conv", (width, channels, 3, 3), (width,), pads=[1] * 4)
            layer("Relu")
            channels = width
        else:
            layer("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    layer("Flatten")
    for features, width in ((25088, 4096), (4096, 4096), (4096, 1000)):
        layer("Gemm", (width, features), (width,), transB=1)
    _save(path, [1, 3, 224, 224], nodes, weights)


def _perceptron(width: int) -> Callable[[Path], None]:
    """Five square layers: the weights take 20 · width² bytes."""

    def write(path: Path) -> None:
        nodes, weights = [], []
        for k in range(5):
            weights.append(_weight(f"w{k}", width, width))
            nodes.append(helper.make_node("MatMul", [f"x{k}", f"w{k}"], [f"x{k + 1}"]))
        _save(path, [1, width], nodes, weights)

    return write


def external(path: Path, width: int = 15_850) -> None:
    """Write five square layers with 5 GB of external data, a sparse file of zeros."""
    nodes, weights = [], []
    for k in range(5):
        weight = TensorProto(name=f"w{k}", data_type=1, dims=[width, width])
        weight.data_location = TensorProto.EXTERNAL
        size = 4 * width * width
        entries = {"location": f"{path.name}.data", "offset": str(k * size), "length": str(size)}
        for key, value in entries.items():
            weight.external_data.add(key=key, value=value)
        weights.append(weight)
        nodes.append(helper.make_node("MatMul", [f"x{k}", f"w{k}"], [f"x{k + 1}"]))
    _save(path, [1, width], nodes, weights)
    with path.with_name(f"{path.name}.data").open("wb") as data:
        data.truncate(5 * 4 * width * width)


def chain(path: Path, nodes: int = 20_000) -> None:
    """Write a network of many small layers: 1x1 convolutions that share a weight, and Relus."""
    chained = []
    for k in range(nodes):
        inputs = [f"x{k}", "w"] if k % 2 == 0 else [f"x{k}"]
        op_type = "Conv" if k % 2 == 0 else "Relu"
        chained.append(helper.make_node(op_type, inputs, [f"x{k + 1}"], f"layer/{k}"))
    _save(path, [1, 8, 4, 4], chained, [_weight("w", 8, 8, 1, 1)])


def shipped(name: str, path: Path) -> None:
    """Write a shipped network with seeded weights inside the file."""
    onnx.save(load(name, weights=True).proto, path)


def light() -> Iterator[Path]:
    """Yield the small networks of the onnx wheel, whose weights are computed by nodes."""
    yield from sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("*.onnx"))


def exported() -> Iterator[Path]:
    """Yield a model as PyTorch exports it, if ``../shared/models`` has it."""
    yield from SHARED.glob("yolox_nano.onnx")


GENERATED: Mapping[str, Callable[[Path], None]] = {
    "vgg19": vgg19,
    "nodes20k": chain,
    "weights5mb": _perceptron(500),
    "weights500mb": _perceptron(5000),
}
#: The same network with hardly any weights, which should take the same time.
TWINS: Mapping[str, Callable[[Path], None]] = {"weights500mb": _perceptron(22)}
LARGE: Mapping[str, Callable[[Path], None]] = {"weights5gb": external}
