"""ONNX model -> Network: its layers, with static shapes and the parameters that each one uses.

One walk in execution order: at each node fold small constants, infer the types of the outputs, and
note which parameters they carry. Subgraphs and functions are walked where they are used, so every
layer knows its scope and its trip count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import onnx

from sepcost.errors import BindingError, UnknownNameError
from sepcost.model.bind import BoundInputs, bind_inputs
from sepcost.model.borrowed import borrowed
from sepcost.model.constants import guarded
from sepcost.model.expansion import check_calls
from sepcost.model.graphs import functions, initializers
from sepcost.model.load import Loaded
from sepcost.model.values import Known, text
from sepcost.model.walk import walk
from sepcost.model.walk_state import Observation, Scope, WalkState
from sepcost.network import Layer, Network, Role

#: Operators of older opsets have other rules of broadcasting and other attributes.
OLDEST_OPSET = 7

#: That of the oldest onnx that we install; only for newer ones is its library asked.
KNOWN_OPSET = 28


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
        The model; it stays unchanged.
    bind
        Sizes of dynamic dimensions by symbol.
    shape
        Whole shapes by input.
    trips
        How often a Loop or Scan runs, by the node's name or id.
    observed
        What a run of the model showed, by layer id (see ``latency.observe``).

    Raises
    ------
    BindingError
        If a dimension stays open, or a binding does not match the model.
    ModelError
        If the model contradicts itself; the message names the node.
    """
    proto = loaded.proto
    bound = bind_inputs(_fed(proto.graph), loaded.source, bind or {}, shape or {})
    state = WalkState(
        loaded.source,
        proto.ir_version,
        functions(proto),
        _checked(loaded.source, trips or {}),
        observed or {},
        bindings=bound.bindings,
        rebound=not bound.is_default or bool(shape),
        fed=bool(bound.types),
        warnings=bound.warnings,
    )
    if state.functions:
        check_calls(proto.graph, state.functions, loaded.source)
    scope = Scope(opsets=_opsets(proto, state))
    for name, type_ in bound.types.items():
        scope.names[name] = guarded(state, f"input {name!r}", Known(name, type_))
        state.record(scope.names[name], Role.INPUT)
    outputs = walk(state, scope, proto.graph)
    _check_trips(state)
    return _network(loaded, state, bound, scope.opsets, tuple(known.name for known in outputs))


def _fed(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs without initializers: before IR version 4, weights are inputs too."""
    given = {text(tensor.name) for tensor in initializers(graph)}
    return [value for value in graph.input if text(value.name) not in given]


def _opsets(proto: onnx.ModelProto, state: WalkState) -> dict[str, int]:
    """Return the opsets by domain; warn of those that onnx does not support well."""
    opsets = {text(o.domain): o.version for o in proto.opset_import}
    own = opsets.get("", opsets.get("ai.onnx"))
    if own is not None and own < OLDEST_OPSET:
        state.warnings.append(f"opset {own} is older than {OLDEST_OPSET}; shapes may be wrong")
    if own is not None and own > KNOWN_OPSET and own > (newest := onnx.defs.onnx_opset_version()):
        state.warnings.append(f"opset {own} is newer than {newest}, the newest that onnx supports")
    return opsets


def _network(
    loaded: Loaded,
    state: WalkState,
    bound: BoundInputs,
    opsets: Mapping[str, int],
    outputs: tuple[str, ...],
) -> Network:
    for name in state.used_as_weights & state.parameters.keys() & state.values.keys():
        state.values[name] = state.parameters[name]
    used = dict.fromkeys(name for layer in state.layers for name in layer.parameters)
    return Network(
        name=loaded.name,
        layers=tuple(_distinct(borrowed(state.layers))),
        values=state.values,
        parameters={name: state.parameters[name] for name in used},
        inputs=tuple(state.values[name] for name in bound.types),
        outputs=outputs,
        opsets=opsets,
        bindings=bound.bindings,
        batch=bound.batch,
        choices=state.choices,
        dead_weights=tuple(v for n, v in state.parameters.items() if n not in state.read),
        warnings=tuple(dict.fromkeys(state.warnings)),
        ir_version=loaded.proto.ir_version or None,
    )


def _distinct(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Number ids that several layers share: nodes without outputs may have equal ids."""
    taken = Counter(layer.id for layer in layers)
    for number, layer in enumerate(layers):
        yield layer if taken[layer.id] == 1 else replace(layer, id=f"{layer.id}#{number}")


def _checked(source: str, trips: Mapping[str, int]) -> Mapping[str, int]:
    for name, count in trips.items():
        if count < 0:
            raise BindingError(f"{source}: --trips {name}={count}: give 0 or more")
    return trips


def _check_trips(state: WalkState) -> None:
    for name in state.given_trips:
        if name not in state.used_trips:
            raise UnknownNameError(
                f"{state.source}: --trips {name}: no Loop or Scan has this name or id", name
            )
