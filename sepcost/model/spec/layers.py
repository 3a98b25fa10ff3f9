"""The kinds of layers: one table, from a kind to the function that builds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod, sqrt

from sepcost.model.spec.call import Call, check_flag_argument
from sepcost.model.spec.convs import (
    activate,
    activation_option,
    conv,
    depthwise_conv,
    flat,
    linear,
    normalise,
    pointwise_conv,
    separable_conv,
)
from sepcost.model.spec.graph import Tensor
from sepcost.model.spec.language import ACTIVATIONS
from sepcost.model.spec.lines import FaultError
from sepcost.model.spec.values import expected, word
from sepcost.model.spec.window import slide
from sepcost.network import Shape


def pool(call: Call, source: Tensor) -> Tensor:
    """The maximum or mean of each window."""
    kind = word(call.argument(), ("max", "avg"), call.layer.at("pool"))
    kernel = call.option("kernel", 2)
    window = slide(call, source, kernel, kernel, "valid")
    if any(pad >= size for pad, size in zip(window.pads, window.kernel * 2, strict=True)):
        message = "padding must be smaller than the kernel"  # else a window contains no input
        raise FaultError(call.layer.at("padding"), message)
    name = call.graph.node(
        "MaxPool" if kind == "max" else "AveragePool",
        [source.name],
        call.path,
        kernel_shape=window.kernel,
        strides=window.stride,
        pads=window.pads,
    )
    power = source.power * _gain(kind, window.kernel)
    return call.graph.tensor(name, (source.channels, *window.positions), power)


def global_pool(call: Call, source: Tensor) -> Tensor:
    """The maximum or mean of each channel; spatial axes become 1."""
    kind = word(call.argument(), ("max", "avg"), call.layer.at("global_pool"))
    if not source.axes:
        raise call.fault("needs an input with spatial axes, but its input is flat")
    operator = "GlobalMaxPool" if kind == "max" else "GlobalAveragePool"
    name = call.graph.node(operator, [source.name], call.path)
    power = source.power * _gain(kind, source.shape[1:])
    return call.graph.tensor(name, (source.channels, *(1,) * source.axes), power)


def _gain(kind: str, window: Shape) -> float:
    """After a ReLU, the maximum of k values has about k ** 0.5 times the power of one."""
    return sqrt(prod(window)) if kind == "max" else 1.0


def batch_norm(call: Call, source: Tensor) -> Tensor:
    """Four vectors: scale, bias, mean, variance."""
    check_flag_argument(call.layer)
    return activation_option(call, normalise(call.graph, source, call.path), call.path)


def activation(call: Call, source: Tensor) -> Tensor:
    """An activation by name, ``{ activation = "relu" }``."""
    kind = word(call.argument(), ACTIVATIONS, call.layer.at("activation"))
    return activate(call.graph, kind, source, call.path)


def named_activation(call: Call, source: Tensor) -> Tensor:
    """An activation as a kind, ``{ relu = true }``."""
    check_flag_argument(call.layer)
    return activate(call.graph, call.layer.kind, source, call.path)


def softmax(call: Call, source: Tensor) -> Tensor:
    """Softmax over the channels."""
    check_flag_argument(call.layer)
    name = call.graph.node("Softmax", [source.name], call.path, axis=1)
    return call.graph.tensor(name, source.shape, 1.0)


def flatten(call: Call, source: Tensor) -> Tensor:
    """Flatten all features to one axis, unless they are flat already."""
    check_flag_argument(call.layer)
    return flat(call.graph, source, call.path) if source.axes else source


def dropout(call: Call, source: Tensor) -> Tensor:
    """Nothing: inference has no dropout."""
    rate = call.argument()
    if not isinstance(rate, bool | int | float) or not 0 <= rate <= 1:
        expected("a rate from 0 to 1", rate, call.layer.at("dropout"))
    return source


def add(call: Call, sources: Sequence[Tensor]) -> Tensor:
    """The sum of values of equal shape."""
    _same_shape(call, sources)
    return _fold(call, "Add", sources, sum(source.power for source in sources))


def multiply(call: Call, sources: Sequence[Tensor]) -> Tensor:
    """The product of values of equal shape, or of channels and one number per channel."""
    largest = max(sources, key=lambda source: prod(source.shape))
    gate = (largest.channels, *(1,) * largest.axes)
    _same_shape(call, [source for source in sources if source.shape != gate] or sources)
    return _fold(call, "Mul", sources, prod(source.power for source in sources))


def _same_shape(call: Call, sources: Sequence[Tensor]) -> None:
    if len({source.shape for source in sources}) > 1:
        shapes = " and ".join("x".join(map(str, source.shape)) for source in sources)
        raise call.fault(f"the inputs differ in shape: {shapes} (channels first, without batch)")


def _fold(call: Call, operator: str, sources: Sequence[Tensor], power: float) -> Tensor:
    name = sources[0].name
    for index, source in enumerate(sources[1:], start=2):
        last = index == len(sources)
        name = call.graph.node(
            operator, [name, source.name], call.path if last else f"{call.path}/{index - 1}"
        )
    shape = max((source.shape for source in sources), key=prod)
    return call.graph.tensor(name, shape, power)


def concat(call: Call, sources: Sequence[Tensor]) -> Tensor:
    """Values concatenated along the channels."""
    if len({source.shape[1:] for source in sources}) > 1:
        shapes = " and ".join("x".join(map(str, source.shape)) for source in sources)
        raise call.fault(f"the inputs differ in more than channels: {shapes}")
    name = call.graph.node("Concat", [source.name for source in sources], call.path, axis=1)
    channels = sum(source.channels for source in sources)
    power = sum(source.channels * source.power for source in sources) / channels
    return call.graph.tensor(name, (channels, *sources[0].shape[1:]), power)


#: Layers with one input.
LAYERS: Mapping[str, Callable[[Call, Tensor], Tensor]] = {
    "conv": conv,
    "pointwise_conv": pointwise_conv,
    "depthwise_conv": depthwise_conv,
    "separable_conv": separable_conv,
    "linear": linear,
    "pool": pool,
    "global_pool": global_pool,
    "batch_norm": batch_norm,
    "activation": activation,
    **dict.fromkeys(ACTIVATIONS, named_activation),
    "softmax": softmax,
    "flatten": flatten,
    "dropout": dropout,
}
#: Layers that join several inputs.
JOINS: Mapping[str, Callable[[Call, Sequence[Tensor]], Tensor]] = {
    "add": add,
    "multiply": multiply,
    "concat": concat,
}
