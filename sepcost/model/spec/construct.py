"""Spec -> onnx.ModelProto: blocks and repeats unrolled, both multipliers applied."""

from __future__ import annotations

from collections import ChainMap, Counter
from dataclasses import dataclass, field, replace
from math import prod

import onnx

from sepcost.model.spec.call import Call
from sepcost.model.spec.graph import MAX_ELEMENTS, Graph, LimitError, Tensor
from sepcost.model.spec.language import ACTIVATIONS, CONVOLUTIONS, KINDS, MAX_DEPTH, LayerSpec, Spec
from sepcost.model.spec.layers import JOINS, LAYERS
from sepcost.model.spec.lines import FaultError, Place, nearest, shown
from sepcost.model.spec.values import ARRIVING, expected, integer, resolve

MAX_LAYERS = 20_000

#: Layers that may follow the classifier; those in the second set show that the network has one.
_TRAILING = frozenset({"activation", "batch_norm", "dropout", "pool"})
_CLOSING = frozenset({"flatten", "global_pool", "softmax"})


def build_model(spec: Spec, *, weights: bool) -> onnx.ModelProto:
    """Turn a spec into a model of opset 17.

    Parameters
    ----------
    spec : Spec
        With the final multipliers.
    weights : bool
        Whether weights have values; otherwise they have shapes but no data.

    Returns
    -------
    onnx.ModelProto
        One input ``(N, *spec.input)``, float32, and one output.

    Raises
    ------
    FaultError
        If a value is invalid or two layers do not fit together.
    """
    graph = Graph(weights=weights)
    source = Tensor("input", _input(spec))
    builder = _Unroller(spec, graph, _classifier(spec))
    site = _Site("", {}, ChainMap({"input": source}))
    result = builder.layers(spec.layers, site, source)
    if result.name == source.name:
        raise FaultError(("layers",), "no layer computes anything")
    graph.read.add(result.name)
    for tensor, layer in builder.made:
        if tensor.name not in graph.read:
            raise FaultError(layer.at(layer.kind), "the output of this layer is not used")
    batch = spec.batch if spec.batch is not None else "N"
    return graph.model(spec.name, source, result, batch, spec.description)


def _input(spec: Spec) -> tuple[int, ...]:
    channels, *axes = spec.input
    sizes = [max(1, int(spec.rho * size + 0.5)) for size in axes]
    if prod((channels, *sizes)) > MAX_ELEMENTS:
        shape = "x".join(map(str, (channels, *sizes)))
        raise FaultError(("input",), f"{shape} is too large")
    return (channels, *sizes)


def _classifier(spec: Spec) -> Place | None:
    """Find the layer whose width is the number of classes, which alpha does not scale.

    It is the last layer with weights at the top level, with only activations and pools after it: a
    linear, or a conv before a global pool, a flatten or a softmax.
    """
    closed = False
    for layer in reversed(spec.layers):
        if layer.kind == "linear" or (closed and layer.kind in ("conv", "pointwise_conv")):
            return layer.place
        if layer.kind not in _TRAILING | _CLOSING | ACTIVATIONS:
            return None
        closed = closed or layer.kind in _CLOSING
    return None


@dataclass(frozen=True, slots=True)
class _Site:
    """Where layers are unrolled: the network, one call of a block, or one copy of a group."""

    path: str
    arguments: dict[str, object]
    values: ChainMap[str, Tensor]  # available to `from`, `add`, `concat`
    calls: tuple[str, ...] = ()
    depth: int = 0
    taken: set[str] = field(default_factory=set)
    numbers: Counter[str] = field(default_factory=Counter)

    def unused_path(self, name: str, *, numbered: bool) -> str:
        """Return a path that no other layer has: ``conv_1``, ``conv_2``, ... if numbered."""
        path = name
        while numbered or path in self.taken:
            self.numbers[name] += 1
            path, numbered = f"{name}_{self.numbers[name]}", False
        self.taken.add(path)
        return self.path + path

    def lookup(self, name: object, arriving: Tensor, place: Place) -> Tensor:
        """Return the value that a layer names as its input."""
        if name == "previous":
            return arriving
        if not isinstance(name, str):
            expected("the name of a layer", name, place)
        if name not in self.values:
            known = nearest(name, {*self.values, "previous"})
            raise FaultError(place, f"no layer named {shown(name)} before this one{known}")
        return self.values[name]


@dataclass(frozen=True, slots=True)
class _Unroller:
    """Unrolls a spec, recursively through blocks and groups."""

    spec: Spec
    graph: Graph
    classifier: Place | None
    made: list[tuple[Tensor, LayerSpec]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def layers(self, layers: tuple[LayerSpec, ...], site: _Site, arriving: Tensor) -> Tensor:
        """Unroll layers in order; return the output of the last."""
        named: set[str] = set()
        for layer in layers:
            arriving = self.copies(layer, site, arriving)
            if layer.name is not None:
                if layer.name in named:
                    raise FaultError(layer.at("name"), f"{shown(layer.name)} is already used")
                named.add(layer.name)
                site.values[layer.name] = arriving
        return arriving

    def copies(self, layer: LayerSpec, site: _Site, arriving: Tensor) -> Tensor:
        """Unroll all copies of one layer, each reading the one before."""
        if layer.source is not None:
            arriving = site.lookup(layer.source, arriving, layer.at("from"))
        asked = resolve(layer.repeat, site.arguments, layer.at("repeat"))
        repeat = integer(asked, layer.at("repeat"), high=MAX_LAYERS)
        numbered = layer.name is None or repeat > 1
        for _ in range(repeat):
            self.counts["layers"] += 1
            if self.counts["layers"] > MAX_LAYERS:
                raise FaultError(layer.at("repeat"), f"more than {MAX_LAYERS} layers in total")
            path = site.unused_path(layer.name or _title(layer), numbered=numbered)
            arriving = self.copy(layer, site, arriving, path)
        return arriving

    def copy(self, layer: LayerSpec, site: _Site, arriving: Tensor, path: str) -> Tensor:
        """Unroll one copy of one layer."""
        if layer.kind == "block":
            return self.block(layer, site, arriving, path)
        if layer.kind == "layers":
            values = site.values.new_child({"input": arriving})
            inner = self.inside(layer, _Site(f"{path}/", site.arguments, values, site.calls), site)
            return self.layers(layer.layers, inner, arriving)
        call = self.call(layer, site, arriving, path)
        try:
            if layer.kind in JOINS:
                result = JOINS[layer.kind](call, _joined(call, site, arriving))
            else:
                result = LAYERS[layer.kind](call, arriving)
        except LimitError as error:  # the graph does not know the place
            raise FaultError(layer.at(layer.kind), str(error)) from None
        self.made.append((result, layer))
        return result

    def block(self, layer: LayerSpec, site: _Site, arriving: Tensor, path: str) -> Tensor:
        """Unroll one call of a block, which sees only its arguments."""
        name = str(layer.argument)
        block = self.spec.blocks[name]
        if name in site.calls:
            chain = " > ".join((*site.calls, name))
            raise FaultError(layer.at("block"), f"the block calls itself: {chain}")
        given = {
            key: resolve(value, site.arguments, layer.at(key))
            for key, value in layer.options.items()
        }
        values = ChainMap({"input": arriving})
        inner = _Site(f"{path}/", {**block.defaults, **given}, values, (*site.calls, name))
        try:
            return self.layers(block.layers, self.inside(layer, inner, site), arriving)
        except FaultError as fault:
            fault.called = layer.place
            raise

    def inside(self, layer: LayerSpec, inner: _Site, outer: _Site) -> _Site:
        """Return the inner site, limiting the depth of blocks and groups."""
        if outer.depth >= MAX_DEPTH:
            raise FaultError(layer.at(layer.kind), f"layers nest deeper than {MAX_DEPTH}")
        return replace(inner, depth=outer.depth + 1)

    def call(self, layer: LayerSpec, site: _Site, arriving: Tensor, path: str) -> Call:
        """Collect what a layer function needs."""
        options = layer.options
        if layer.kind in CONVOLUTIONS:
            known = KINDS[layer.kind].keys
            own = {key: self.spec.defaults[key] for key in self.spec.defaults.keys() & known}
            options = {**own, **layer.options}
        return Call(
            layer=replace(layer, options=options),
            names={**site.arguments, ARRIVING: arriving.channels},
            graph=self.graph,
            path=path,
            alpha=1.0 if layer.place == self.classifier else self.spec.alpha,
            divisor=self.spec.divisor,
        )


def _title(layer: LayerSpec) -> str:
    if layer.kind == "block":
        return str(layer.argument)
    return "group" if layer.kind == "layers" else layer.kind


def _joined(call: Call, site: _Site, arriving: Tensor) -> list[Tensor]:
    """``add = "a"`` joins the previous layer and ``a``; a list joins the layers in it."""
    names, place = call.argument(), call.layer.at(call.layer.kind)
    if isinstance(names, list):
        if len(names) < 2:
            expected("at least two names, or one name without a list", names, place)
        return [site.lookup(name, arriving, (*place, i)) for i, name in enumerate(names)]
    return [arriving, site.lookup(names, arriving, place)]
