"""How weights are stored, and whether their convolution runs in integers.

A weight may be stored in a smaller type than it is read in: float16 with a Cast, or int8 and int4
with a DequantizeLinear. If the convolution's input is dequantised and its output quantised as
well, runtimes compute it in integers (QLinearConv).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from sepcost.model.dtypes import DTYPES
from sepcost.model.graphs import Name
from sepcost.model.tensors import content
from sepcost.network import BITS, Layer
from sepcost.separable.find.constants import Recipe, Step
from sepcost.separable.find.sites import Site

#: Operators that runtimes merge into the quantised convolution before them.
MERGED = frozenset({"Relu", "Clip"})

#: Types of activations that runtimes convolve in integers.
INTEGERS = frozenset({"uint8", "int8", "uint16", "int16"})

SEVEN_BITS = 64  # the largest level
ADVICE = "convert the float model, then quantise"


@dataclass(frozen=True, slots=True)
class Stored:
    """A weight's type in the file, and the operator that widens it."""

    dtype: str
    by: str  # DequantizeLinear or Cast
    domain: str = ""

    @property
    def levels(self) -> int:
        """The largest level of the signed type: 127 for 8 bits."""
        return int(2 ** (BITS[self.dtype] - 1) - 1)


@dataclass(frozen=True, slots=True)
class Activations:
    """How the input of a convolution in integers is quantised."""

    dtype: str
    scale: float
    zero_point: int
    domain: str = ""

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and largest level."""
        info = np.iinfo(self.dtype)
        return int(info.min), int(info.max)

    @property
    def symmetric(self) -> bool:
        """Whether zero is level zero of a signed type, which some accelerators need."""
        return self.limits[0] < 0 and self.zero_point == 0

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and largest number that the input can be."""
        low, high = self.limits
        return (low - self.zero_point) * self.scale, (high - self.zero_point) * self.scale


def storage(recipe: Recipe, dtype: str) -> Stored | None:
    """How a weight that is read as ``dtype`` is stored; None if it is stored as it is read."""
    for node, source in _widened(recipe):
        name = _type(source)
        if not 0 < BITS.get(name, 0) < BITS[dtype]:
            continue
        if name.startswith(("int", "uint")):
            return Stored(name.removeprefix("u"), "DequantizeLinear", _domain(node))
        return Stored(name, "Cast")
    return None


def largest_level(recipe: Recipe, how: Stored | None) -> int:
    """64 if a weight of int8 keeps to 7 bits, as models for old processors do; 0 if it does not."""
    if how is None or how.dtype != "int8":
        return 0
    tensor = next(source for _, source in _widened(recipe)).tensor
    held = content(tensor, recipe.home) if isinstance(tensor, onnx.TensorProto) else np.zeros(0)
    return SEVEN_BITS if held.size and np.abs(held.astype(np.int64)).max() <= SEVEN_BITS else 0


def _widened(recipe: Recipe) -> Iterator[tuple[onnx.NodeProto, Step]]:
    """Nodes that may widen a stored tensor, with the step that holds the tensor."""
    steps = {step.key: step for step in recipe.steps}
    for step in recipe.steps:
        known = step.node is not None and step.node.op_type in {"DequantizeLinear", "Cast"}
        if known and step.node is not None and step.reads and step.reads[0] in steps:
            yield step.node, steps[step.reads[0]]


def _domain(node: onnx.NodeProto) -> str:
    """The domain of DequantizeLinear; ONNX's own where integers are only cast."""
    return node.domain if node.op_type == "DequantizeLinear" else ""


def _type(step: Step) -> str:
    """The type of a stored tensor; empty for computed ones."""
    if isinstance(step.tensor, onnx.TensorProto):
        return DTYPES.get(step.tensor.data_type, "")
    if step.node is not None and step.node.op_type == "Constant":
        found = (a.t.data_type for a in step.node.attribute if a.name == "value")
        return DTYPES.get(next(found, 0), "")
    return ""


def activations(
    site: Site, layer: Layer, constant: Callable[[Name], Recipe | str]
) -> Activations | str | None:
    """How the input of a convolution is quantised, if the convolution runs in integers.

    Parameters
    ----------
    site
        Its node, whose weight is known to be dequantised.
    layer
        Its description.
    constant
        Finds the recipe of a value.

    Returns
    -------
    Activations, str or None
        None if it does not run in integers; a reason if its parts could not do so.
    """
    home = site.frame.home(site.node.input[0])
    source = home[0].writers.get(home[1]) if home else None
    if source is None or source.op_type != "DequantizeLinear" or not _quantized_after(site):
        return None
    recipes = [constant(name) for name in source.input[1:3] if name]
    if any(isinstance(one, str) for one in recipes):
        return f"the scale of its input is not constant; {ADVICE}"
    scale, *offset = (np.asarray(one()) for one in recipes if isinstance(one, Recipe))
    if scale.size > 1:
        return f"its input has one scale per channel; {ADVICE}"
    dtype = str(offset[0].dtype) if offset else "uint8"
    if dtype not in INTEGERS:
        return f"its input is quantised to {dtype}; {ADVICE}"
    if len(layer.reads) > 2 and layer.reads[2] and isinstance(constant(site.node.input[2]), str):
        return f"its bias is not constant; {ADVICE}"
    zero = int(offset[0].reshape(())) if offset else 0
    return Activations(dtype, float(scale.reshape(())), zero, source.domain)


def _quantized_after(site: Site) -> bool:
    """Whether every reader of the output quantises it, perhaps after one merged operator."""
    readers = _readers(site.frame.graph, site.node.output[0])
    if len(readers) == 1 and readers[0].op_type in MERGED:
        readers = _readers(site.frame.graph, readers[0].output[0])
    return bool(readers) and all(node.op_type == "QuantizeLinear" for node in readers)


def _readers(graph: Any, name: Name) -> list[onnx.NodeProto]:
    """Nodes that read a value; none if the graph returns it."""
    if any((one if isinstance(one, str | bytes) else one.name) == name for one in graph.output):
        return []
    return [node for node in graph.node if name in node.input]
