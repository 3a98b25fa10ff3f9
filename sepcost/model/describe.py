"""ONNX model -> Network: every shape that follows from the inputs, every layer, every origin.

One walk in execution order. At each node, in turn: fold small constants, infer the types of
the outputs, note whose parameters they carry. Subgraphs and functions are walked where they
stand, so every layer knows its scope and its trips.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import onnx

from sepcost.errors import BindingError
from sepcost.model.bind import Bound, bind_inputs
from sepcost.model.constants import guarded
from sepcost.model.control import function_key
from sepcost.model.expansion import check_calls
from sepcost.model.load import Loaded
from sepcost.model.values import Known, text
from sepcost.model.walk import visit
from sepcost.model.walk_state import Observation, Scope, Walk
from sepcost.network import Layer, Network, Role

#: Operators of older opsets broadcast and name their attributes by rules of their own.
OLDEST_OPSET = 7


def describe(
    loaded: Loaded,
    *,
    bind: Mapping[str, int] | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
    trips: Mapping[str, int] | None = None,
    observed: Mapping[str, Observation] | None = None,
) -> Network:
    """Describe a model as a network with static shapes.

    Parameters
    ----------
    loaded
        The model; it is not changed.
    bind
        Sizes of dynamic dimensions by symbol.
    shape
        Whole shapes by input.
    trips
        How often a Loop or Scan runs, by the node's name or id.
    observed
        What a run of the model showed, by the id of the layer (see ``observe``).

    Raises
    ------
    BindingError
        Where a dimension stays open or a binding fits nothing in the model.
    ModelError
        Where the model contradicts itself: the message names the node.
    """
    proto = loaded.proto
    bound = bind_inputs(_fed(proto.graph), loaded.source, bind or {}, shape or {})
    walk = Walk(
        loaded.source,
        proto.ir_version,
        {function_key(f.domain, f.name, f.overload): f for f in proto.functions},
        _checked(loaded.source, trips or {}),
        observed or {},
        bindings=bound.bindings,
        rebound=not bound.is_default or bool(shape),
        fed=bool(bound.types),
        warnings=bound.warnings,
    )
    check_calls(proto.graph, walk.functions, loaded.source)
    scope = Scope(opsets=_opsets(proto, walk))
    for name, type_ in bound.types.items():
        scope.names[name] = guarded(walk, f"input {name!r}", Known(name, type_))
        walk.record(scope.names[name], Role.INPUT)
    outputs = visit(walk, scope, proto.graph)
    _check_trips(walk)
    return _network(loaded, walk, bound, scope.opsets, tuple(known.name for known in outputs))


def _fed(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs that have no initializer: before IR version 4 weights are inputs too."""
    given = {text(tensor.name) for tensor in graph.initializer}
    given.update(text(sparse.values.name) for sparse in graph.sparse_initializer)
    return [value for value in graph.input if text(value.name) not in given]


def _opsets(proto: onnx.ModelProto, walk: Walk) -> dict[str, int]:
    """Return the opsets by domain; remark on those that ONNX itself does not read with care."""
    opsets = {text(o.domain): o.version for o in proto.opset_import}
    own = opsets.get("", opsets.get("ai.onnx"))
    newest = onnx.defs.onnx_opset_version()
    if own is not None and own < OLDEST_OPSET:
        walk.warnings.append(f"opset {own} is older than {OLDEST_OPSET}; shapes may be wrong")
    if own is not None and own > newest:
        walk.warnings.append(f"opset {own} is newer than {newest}, the newest that onnx knows")
    return opsets


def _network(
    loaded: Loaded, walk: Walk, bound: Bound, opsets: Mapping[str, int], outputs: tuple[str, ...]
) -> Network:
    for name in walk.weighed & walk.parameters.keys() & walk.values.keys():
        walk.values[name] = walk.parameters[name]
    used = dict.fromkeys(name for layer in walk.layers for name in layer.parameters)
    return Network(
        name=loaded.name,
        layers=tuple(_distinct(walk.layers)),
        values=walk.values,
        parameters={name: walk.parameters[name] for name in used},
        inputs=tuple(walk.values[name] for name in bound.types),
        outputs=outputs,
        opsets=opsets,
        bindings=bound.bindings,
        batch=bound.batch,
        choices=walk.choices,
        dead_weights=tuple(v for n, v in walk.parameters.items() if n not in walk.read),
        warnings=tuple(dict.fromkeys(walk.warnings)),
    )


def _distinct(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Number the ids that layers share: those of nodes without outputs, or of twisted names."""
    taken = Counter(layer.id for layer in layers)
    for number, layer in enumerate(layers):
        yield layer if taken[layer.id] == 1 else replace(layer, id=f"{layer.id}#{number}")


def _checked(source: str, trips: Mapping[str, int]) -> Mapping[str, int]:
    for name, count in trips.items():
        if count < 0:
            raise BindingError(f"{source}: --trips {name}={count}: give 0 or more")
    return trips


def _check_trips(walk: Walk) -> None:
    for name in walk.given_trips:
        if name not in walk.used_trips:
            raise BindingError(
                f"{walk.source}: --trips {name}: no Loop or Scan has this name or id"
            )
