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

MAX_STEPS = 20_000

#: What may stand between the classifier and the end of a network; the second set proves that the
#: network does end in one.
_TRAILING = frozenset({"activation", "batch_norm", "dropout", "pool"})
_CLOSING = frozenset({"flatten", "global_pool", "softmax"})


def build_model(spec: Spec, *, weights: bool) -> onnx.ModelProto:
    """Turn a spec into a model of opset 17.

    Parameters
    ----------
    spec : Spec
        With the multipliers that shall hold.
    weights : bool
        Whether weights have values; if not, they have dims and no data.

    Returns
    -------
    onnx.ModelProto
        One input ``(N, *spec.input)``, float32, and one output.

    Raises
    ------
    FaultError
        Where a value is wrong or two layers do not fit.
    """
    graph = Graph(weights=weights)
    source = Tensor("input", _input(spec))
    walk = _Walk(spec, graph, _classifier(spec))
    site = _Site("", {}, ChainMap({"input": source}))
    result = walk.layers(spec.layers, site, source)
    if result.name == source.name:
        raise FaultError(("layers",), "no layer computes anything")
    graph.read.add(result.name)
    for tensor, layer in walk.made:
        if tensor.name not in graph.read:
            raise FaultError(layer.at(layer.kind), "nothing reads what this layer computes")
    batch = spec.batch if spec.batch is not None else "N"
    return graph.model(spec.name, source, result, batch, spec.description)


def _input(spec: Spec) -> tuple[int, ...]:
    channels, *axes = spec.input
    sizes = [max(1, int(spec.rho * size + 0.5)) for size in axes]
    if prod((channels, *sizes)) > MAX_ELEMENTS:
        shape = "x".join(map(str, (channels, *sizes)))
        raise FaultError(("input",), f"{shape} is too large to be meant")
    return (channels, *sizes)


def _classifier(spec: Spec) -> Place | None:
    """Find the layer whose width is the number of classes, which alpha leaves alone.

    It is the last layer of the top level with channels of its own, and nothing but activations
    and pools comes after: a linear, or a conv that a global pool, a flatten or a softmax follows.
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
    """Where layers are being unrolled: the network, one call of a block, one round of a group."""

    path: str
    arguments: dict[str, object]
    values: ChainMap[str, Tensor]  # what `from`, `add` and `concat` can name
    calls: tuple[str, ...] = ()
    depth: int = 0
    taken: set[str] = field(default_factory=set)
    numbers: Counter[str] = field(default_factory=Counter)

    def fresh(self, name: str, *, numbered: bool) -> str:
        """A path that no other layer has: ``conv_1``, ``conv_2``, ... where it is numbered."""
        path = name
        while numbered or path in self.taken:
            self.numbers[name] += 1
            path, numbered = f"{name}_{self.numbers[name]}", False
        self.taken.add(path)
        return self.path + path

    def lookup(self, name: object, arriving: Tensor, place: Place) -> Tensor:
        """What a layer names as its input."""
        if name == "previous":
            return arriving
        if not isinstance(name, str):
            expected("the name of a layer", name, place)
        if name not in self.values:
            known = nearest(name, {*self.values, "previous"})
            raise FaultError(place, f"no layer named {shown(name)} before this one{known}")
        return self.values[name]


@dataclass(frozen=True, slots=True)
class _Walk:
    """One run over a spec; recursion follows blocks and groups."""

    spec: Spec
    graph: Graph
    classifier: Place | None
    made: list[tuple[Tensor, LayerSpec]] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)

    def layers(self, layers: tuple[LayerSpec, ...], site: _Site, arriving: Tensor) -> Tensor:
        """Unroll layers one after the other; returns what leaves the last."""
        named: set[str] = set()
        for layer in layers:
            arriving = self.rounds(layer, site, arriving)
            if layer.name is not None:
                if layer.name in named:
                    raise FaultError(layer.at("name"), f"{shown(layer.name)} is taken already")
                named.add(layer.name)
                site.values[layer.name] = arriving
        return arriving

    def rounds(self, layer: LayerSpec, site: _Site, arriving: Tensor) -> Tensor:
        """One layer as often as it repeats, each round fed by the one before."""
        if layer.source is not None:
            arriving = site.lookup(layer.source, arriving, layer.at("from"))
        asked = resolve(layer.repeat, site.arguments, layer.at("repeat"))
        repeat = integer(asked, layer.at("repeat"), high=MAX_STEPS)
        numbered = layer.name is None or repeat > 1
        for _ in range(repeat):
            self.steps["layers"] += 1
            if self.steps["layers"] > MAX_STEPS:
                raise FaultError(layer.at("repeat"), f"over {MAX_STEPS} layers in all")
            path = site.fresh(layer.name or _title(layer), numbered=numbered)
            arriving = self.step(layer, site, arriving, path)
        return arriving

    def step(self, layer: LayerSpec, site: _Site, arriving: Tensor, path: str) -> Tensor:
        """One round of one layer."""
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
        except LimitError as error:  # the graph knows no places
            raise FaultError(layer.at(layer.kind), str(error)) from None
        self.made.append((result, layer))
        return result

    def block(self, layer: LayerSpec, site: _Site, arriving: Tensor, path: str) -> Tensor:
        """One call: what the block sees is what it is given."""
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
        """Keep blocks and groups from nesting without end."""
        if outer.depth >= MAX_DEPTH:
            raise FaultError(layer.at(layer.kind), f"layers nest more than {MAX_DEPTH} deep")
        return replace(inner, depth=outer.depth + 1)

    def call(self, layer: LayerSpec, site: _Site, arriving: Tensor, path: str) -> Call:
        """Everything that a layer function wants to know."""
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
    """``add = "a"`` joins what arrives with ``a``; a list joins exactly what it names."""
    names, place = call.argument(), call.layer.at(call.layer.kind)
    if isinstance(names, list):
        if len(names) < 2:
            expected("at least two names, or one name without a list", names, place)
        return [site.lookup(name, arriving, (*place, i)) for i, name in enumerate(names)]
    return [arriving, site.lookup(names, arriving, place)]
