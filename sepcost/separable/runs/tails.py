"""The network from one convolution on, with its kernel and bias as inputs.

Trying another kernel then needs neither the nodes before the convolution nor another session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import helper

from sepcost.latency.jobs import Runtime
from sepcost.model.dtypes import NUMBERS, numpy_dtype
from sepcost.model.graphs import Name, reads
from sepcost.model.load import Loaded
from sepcost.model.values import text
from sepcost.network import Layer
from sepcost.separable.data.samples import Feeds
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.find.context import Context
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.cuts import cut
from sepcost.separable.runs.output_loss import Outputs, Run

FED = frozenset({"float32", "float64"})  # types of kernels; half precision would round them
LARGEST = 1 << 24  # elements of a matrix: larger ones take longer to feed than their factors to run
_KERNEL, _BIAS = "sepcost/kernel", "sepcost/bias"

#: The outputs for a batch's kept values, a kernel [N, M/G, *k] or matrix [N, M], and a bias [N].
Tried = Callable[[Feeds, NDArray[Any], NDArray[Any]], Outputs]


@dataclass(frozen=True, slots=True)
class Tail:
    """How the outputs depend on one convolution."""

    border: tuple[str, ...]  # values that it needs, which the convolution does not change
    outputs: tuple[str, ...]  # outputs that the convolution changes
    run: Tried
    before: Run  # computes ``border`` from the network's inputs


def tail(context: Context, candidate: Candidate, settings: Runtime) -> Tail | None:
    """The network from a convolution on; None if it cannot be cut there.

    Parameters
    ----------
    context
        The original model.
    candidate
        A convolution of its main graph.
    settings
        Settings of the sessions.

    Raises
    ------
    ModelError
        ONNX Runtime cannot load a part.
    """
    if not _fits(context, candidate):
        return None
    loaded, values = context.observed, context.network.values
    changed, border = _reach(loaded.proto, candidate.layer)
    known = {text(name): values.get(text(name)) for name in border}
    types = {name: NUMBERS.get(one.dtype) for name, one in known.items() if one is not None}
    given = {name: types[name] or 0 for name in sorted(types) if types[name]}
    if len(given) < len(border):
        return None
    outputs = [one.name for one in loaded.proto.graph.output if one.name in changed]
    session = runner(_freed(loaded, outputs, given, candidate), settings)
    dtype, dense = numpy_dtype(candidate.dtype), candidate.dense is not None

    def run(kept: Feeds, kernel: NDArray[Any], bias: NDArray[Any]) -> Outputs:
        kernel = kernel.T if dense else kernel
        return session({**kept, _KERNEL: kernel.astype(dtype), _BIAS: bias.astype(dtype)})

    names = tuple(given)
    return Tail(names, tuple(outputs), run, runner(loaded, settings, names))


def _fits(context: Context, candidate: Candidate) -> bool:
    plain = candidate.op_type == "Conv" or _is_plain(candidate)
    fed = plain and candidate.dtype in FED and not candidate.repeats
    return fed and candidate.activations is None and context.in_main_graph(candidate)


def _is_plain(candidate: Candidate) -> bool:
    """Whether it is x·W of a small matrix W on the right, without a transposed x."""
    dense, layer = candidate.dense, candidate.layer
    plain = dense is not None and (dense.weight, dense.axis) == (1, -1)
    return plain and prod(layer.inputs[1]) <= LARGEST


def _reach(proto: onnx.ModelProto, layer: Layer) -> tuple[set[Name], set[Name]]:
    """Values that depend on a layer, and the others that are needed to compute them."""
    graph, start = proto.graph, layer.writes[0]
    fixed: set[Name] = {one.name for one in graph.initializer}
    fixed.update(one.values.name for one in graph.sparse_initializer)
    changed: set[Name] = {start}
    border: set[Name] = {layer.reads[0]}
    for node in graph.node:
        names = set(reads(node))
        if names & changed:
            changed.update(node.output)
            border |= names
        elif names <= fixed and not node.op_type.startswith("Random"):
            fixed.update(node.output)
    return changed, border - changed - fixed


def _freed(
    loaded: Loaded, outputs: Sequence[str], given: Mapping[str, int], candidate: Candidate
) -> Loaded:
    """The part after a convolution, which reads its kernel and its bias from inputs."""
    written = candidate.layer.writes[0]
    proto = cut(loaded.proto, outputs, given)
    graph = proto.graph
    (node,) = (one for one in graph.node if written in one.output)
    if candidate.dense is None:
        node.input[:] = [node.input[0], _KERNEL, _BIAS]
    else:
        middle, domain, place = f"{written}/product", node.domain, list(graph.node).index(node)
        product = helper.make_node("MatMul", [node.input[0], _KERNEL], [middle], domain=domain)
        node.CopyFrom(helper.make_node("Add", [middle, _BIAS], [written], domain=domain))
        graph.node.insert(place, product)
    number = NUMBERS[candidate.dtype]
    graph.input.extend(helper.make_tensor_value_info(n, number, None) for n in (_KERNEL, _BIAS))
    return replace(loaded, proto=cut(proto, outputs, given))
