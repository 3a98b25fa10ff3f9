"""Layers with weights (convolutions and linear), with their normalisation and activation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod, sqrt

from sepcost.model.spec.call import Call, check_flag_argument, out_channels
from sepcost.model.spec.graph import Graph, Tensor
from sepcost.model.spec.language import ACTIVATIONS
from sepcost.model.spec.lines import FaultError
from sepcost.model.spec.values import flag, integer, word
from sepcost.model.spec.window import Window, slide


@dataclass(frozen=True, slots=True)
class _Filters:
    channels: int
    group: int
    window: Window


def _convolve(call: Call, source: Tensor, path: str, filters: _Filters) -> Tensor:
    """Conv, with ``bias``, ``batch_norm`` and ``activation`` as given."""
    channels, group, window = filters.channels, filters.group, filters.window
    if source.channels % group or channels % group:
        raise FaultError(
            call.layer.at("groups"),
            f"{group} groups must divide {source.channels} input and {channels} output channels",
        )
    kernel = (channels, source.channels // group, *window.kernel)
    fan_in = prod(kernel[1:])
    graph = call.graph
    weights = [graph.weight(f"{path}.weight", kernel, 0.0, 1 / sqrt(fan_in * source.power))]
    if _bias(call):
        weights.append(graph.weight(f"{path}.bias", (channels,), 0.0, 0.1))
    name = graph.node(
        "Conv",
        [source.name, *weights],
        path,
        kernel_shape=window.kernel,
        strides=window.stride,
        dilations=window.dilation,
        pads=window.pads,
        group=group,
    )
    return _after(call, graph.tensor(name, (channels, *window.positions)), path)


def _bias(call: Call) -> bool:
    normed = flag(call.option("batch_norm", False), call.layer.at("batch_norm"))
    return flag(call.option("bias", not normed), call.layer.at("bias"))


def _after(call: Call, tensor: Tensor, path: str) -> Tensor:
    if flag(call.option("batch_norm", False), call.layer.at("batch_norm")):
        tensor = normalise(call.graph, tensor, f"{path}/batch_norm")
    return activation_option(call, tensor, path)


def activation_option(call: Call, tensor: Tensor, path: str) -> Tensor:
    """Apply the activation in the key ``activation``."""
    given = call.option("activation", "none")
    kind = word(given, ACTIVATIONS | {"none"}, call.layer.at("activation"))
    return tensor if kind == "none" else activate(call.graph, kind, tensor, f"{path}/{kind}")


def normalise(graph: Graph, tensor: Tensor, path: str) -> Tensor:
    """BatchNormalization with statistics near those of its input, so that folding has an effect."""
    shape = (tensor.channels,)
    weights = [
        graph.weight(f"{path}.scale", shape, 1.0, 0.1),
        graph.weight(f"{path}.bias", shape, 0.0, 0.1),
        graph.weight(f"{path}.mean", shape, 0.0, 0.1),
        graph.weight(f"{path}.var", shape, tensor.power, 0.05 * tensor.power),
    ]
    name = graph.node("BatchNormalization", [tensor.name, *weights], path)
    return graph.tensor(name, tensor.shape, 1.0)


def activate(graph: Graph, kind: str, tensor: Tensor, path: str) -> Tensor:
    """Apply an activation.

    A ReLU halves the power of a convolution's output (variance 1, centred). After a residual sum it
    removes no more than that, because the shortcut is already positive.
    """
    if kind == "relu6":
        bounds = [graph.constant("relu6.low", 0.0), graph.constant("relu6.high", 6.0)]
        name = graph.node("Clip", [tensor.name, *bounds], path)
    elif kind == "swish":
        gate = graph.node("Sigmoid", [tensor.name], f"{path}/sigmoid")
        name = graph.node("Mul", [tensor.name, gate], path)
    elif kind == "prelu":
        slope = (tensor.channels, *(1,) * tensor.axes)
        weight = graph.weight(f"{path}.slope", slope, 0.25, 0.05)
        name = graph.node("PRelu", [tensor.name, weight], path)
    else:
        name = graph.node(OPERATORS[kind], [tensor.name], path)
    return graph.tensor(name, tensor.shape, max(tensor.power / 2, tensor.power - 0.5))


#: Activations that are one ONNX operator without inputs of its own.
OPERATORS: Mapping[str, str] = {
    "elu": "Elu",
    "hardsigmoid": "HardSigmoid",
    "hardswish": "HardSwish",
    "leaky_relu": "LeakyRelu",
    "relu": "Relu",
    "selu": "Selu",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "tanh": "Tanh",
}


def conv(call: Call, source: Tensor) -> Tensor:
    """``prod(kernel) * C_in / groups`` weights per output channel."""
    window = slide(call, source, 3, 1, "same")
    groups = integer(call.option("groups", 1), call.layer.at("groups"))
    return _convolve(call, source, call.path, _Filters(out_channels(call), groups, window))


def pointwise_conv(call: Call, source: Tensor) -> Tensor:
    """A conv with kernel 1."""
    window = slide(call, source, 1, 1, "same")
    groups = integer(call.option("groups", 1), call.layer.at("groups"))
    return _convolve(call, source, call.path, _Filters(out_channels(call), groups, window))


def depthwise_conv(call: Call, source: Tensor) -> Tensor:
    """``multiplier`` kernels per input channel, none across channels."""
    check_flag_argument(call.layer)
    window = slide(call, source, 3, 1, "same")
    channels = source.channels * integer(call.option("multiplier", 1), call.layer.at("multiplier"))
    return _convolve(call, source, call.path, _Filters(channels, source.channels, window))


def separable_conv(call: Call, source: Tensor) -> Tensor:
    """One depthwise kernel per channel, then a pointwise conv (Howard et al. 2017)."""
    window = slide(call, source, 3, 1, "same")
    depthwise = f"{call.path}/depthwise"
    middle = _convolve(call, source, depthwise, _Filters(source.channels, source.channels, window))
    ones = (1,) * source.axes
    step = Window(ones, ones, ones, (0,) * 2 * source.axes, window.positions)
    return _convolve(call, middle, f"{call.path}/pointwise", _Filters(out_channels(call), 1, step))


def flat(graph: Graph, source: Tensor, path: str) -> Tensor:
    """Flatten all features to one axis."""
    name = graph.node("Flatten", [source.name], path)
    return graph.tensor(name, (prod(source.shape),), source.power)


def linear(call: Call, source: Tensor) -> Tensor:
    """A fully connected layer on all features of its input."""
    graph, channels = call.graph, out_channels(call)
    if source.axes:
        source = flat(graph, source, f"{call.path}/flatten")
    shape, deviation = (channels, source.channels), 1 / sqrt(source.channels * source.power)
    weights = [graph.weight(f"{call.path}.weight", shape, 0.0, deviation)]
    if _bias(call):
        weights.append(graph.weight(f"{call.path}.bias", (channels,), 0.0, 0.1))
    name = graph.node("Gemm", [source.name, *weights], call.path, transB=1)
    return _after(call, graph.tensor(name, (channels,)), call.path)
