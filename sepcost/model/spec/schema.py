"""TOML document -> Spec: checks every key and every name; values are read later."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set

from sepcost.model.spec.language import (
    ACTIVATIONS,
    COMMON,
    DEFAULTS,
    KINDS,
    MAX_DEPTH,
    Block,
    LayerSpec,
    Spec,
)
from sepcost.model.spec.lines import FaultError, Place, nearest, shown
from sepcost.model.spec.values import (
    ARRIVING,
    expected,
    free_names,
    integer,
    positive,
    table,
    text,
)

MAX_TEXT = 500
MAX_PARAMETERS = 100

#: Both kinds of layers and keys of other layers.
_TWOFOLD = ("batch_norm", "activation")
_NAME = re.compile(r"[\w-]{1,40}")


def parse(document: Mapping[str, object], name: str) -> Spec:
    """Read the whole spec; ``name`` is the default for its name.

    Raises
    ------
    FaultError
        At the first key or value that is not part of the language.
    """
    known = {*Spec.__dataclass_fields__}
    _check_keys(document, known, (), "a layer spec")
    for key in ("input", "layers"):
        if key not in document:
            raise FaultError((), f"the spec has no '{key}'")
    batch = document.get("batch")
    blocks = table(document.get("blocks", {}), ("blocks",))
    spec = Spec(
        name=_line(document.get("name", name), ("name",)),
        description=_line(document.get("description", ""), ("description",)),
        input=_input(document["input"]),
        batch=None if batch is None else integer(batch, ("batch",)),
        alpha=positive(document.get("alpha", 1), ("alpha",)),
        rho=positive(document.get("rho", 1), ("rho",)),
        divisor=integer(document.get("divisor", 1), ("divisor",)),
        defaults=_table(document.get("defaults", {}), DEFAULTS, ("defaults",)),
        layers=_layers(document["layers"], ("layers",)),
        blocks={key: _block(value, ("blocks", key)) for key, value in blocks.items()},
    )
    for layer in _all_layers(spec):
        if layer.kind == "block":
            _check_call(layer, spec.blocks)
    return spec


def _line(value: object, place: Place) -> str:
    line = text(value, place)
    if not line.isprintable() or len(line) > MAX_TEXT:
        expected(f"one printable line of at most {MAX_TEXT} characters", value, place)
    return line


def _input(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 4:
        expected("[channels, height, width], or 1 to 4 integers in all", value, ("input",))
    return tuple(integer(size, ("input", index)) for index, size in enumerate(value))


def _table(value: object, keys: frozenset[str], place: Place) -> dict[str, object]:
    entries = table(value, place)
    _check_keys(entries, keys, place, str(place[-1]))
    return entries


def _check_keys(entry: Mapping[str, object], known: Set[str], place: Place, owner: str) -> None:
    for key in entry:
        if key not in known:
            raise FaultError((*place, key), f"unknown key in {owner}{nearest(key, known)}")


def _layers(value: object, place: Place, depth: int = 0) -> tuple[LayerSpec, ...]:
    if not isinstance(value, list) or not value:
        expected("a list of at least one layer", value, place)
    if depth > MAX_DEPTH:
        raise FaultError(place, f"layers nest deeper than {MAX_DEPTH}")
    return tuple(_layer(entry, (*place, index), depth) for index, entry in enumerate(value))


def _layer(entry: object, place: Place, depth: int) -> LayerSpec:
    if isinstance(entry, str):
        return _word_layer(entry, place)
    if not isinstance(entry, dict):
        expected("a layer such as { conv = 32 } or 'relu'", entry, place)
    kind = _kind(entry, place)
    own = KINDS[kind].keys | COMMON | {kind}
    if kind != "block":
        _check_keys(entry, own, place, kind)
    name, source = entry.get("name"), entry.get("from")
    return LayerSpec(
        kind=kind,
        argument=entry[kind],
        place=place,
        options={key: value for key, value in entry.items() if key not in COMMON | {kind}},
        name=None if name is None else _name(name, (*place, "name")),
        source=None if source is None else text(source, (*place, "from")),
        repeat=entry.get("repeat", 1),
        layers=_layers(entry[kind], (*place, kind), depth + 1) if kind == "layers" else (),
    )


def _word_layer(word: str, place: Place) -> LayerSpec:
    """Read a layer written as a bare word, such as ``"relu"``."""
    if word not in KINDS:
        raise FaultError(place, f"unknown layer {shown(word)}{nearest(word, KINDS)}")
    if KINDS[word].default is None:
        raise FaultError(place, f"'{word}' needs a value: {{ {word} = ... }}")
    return LayerSpec(word, KINDS[word].default, place)


def _kind(entry: Mapping[str, object], place: Place) -> str:
    if "block" in entry:  # its parameters may have any name
        return "block"
    kinds = [key for key in entry if key in KINDS and key not in _TWOFOLD]
    kinds = kinds or [key for key in _TWOFOLD if key in entry][:1]
    if not kinds:
        for key in entry:
            if key not in COMMON:
                raise FaultError((*place, key), f"unknown kind of layer{nearest(key, KINDS)}")
        raise FaultError(place, "a layer needs a kind, such as conv or pool")
    if len(kinds) > 1:
        odd = next((kind for kind in kinds if kind in ACTIVATIONS), None)
        remedy = f"write activation = '{odd}'" if odd else "write two layers"
        raise FaultError((*place, kinds[1]), f"one layer cannot be {' and '.join(kinds)}: {remedy}")
    return kinds[0]


def _name(value: object, place: Place) -> str:
    name = text(value, place)
    if not _NAME.fullmatch(name) or name in ("input", "previous"):
        expected("a name of up to 40 letters, digits, _ or - (not input or previous)", value, place)
    return name


def _block(value: object, place: Place) -> Block:
    _name(place[-1], place)
    entry = _table(value, frozenset({"layers", "defaults"}), place)
    if "layers" not in entry:
        raise FaultError(place, "a block needs 'layers'")
    layers = _layers(entry["layers"], (*place, "layers"))
    parameters = frozenset(_parameters(layers)) - {ARRIVING}
    if len(parameters) > MAX_PARAMETERS:
        raise FaultError(place, f"more than {MAX_PARAMETERS} parameters")
    defaults = _table(entry.get("defaults", {}), parameters, (*place, "defaults"))
    return Block(layers, parameters, defaults)


def _parameters(layers: tuple[LayerSpec, ...]) -> Iterator[str]:
    for layer in layers:
        for value in (layer.argument, layer.repeat, *layer.options.values()):
            yield from free_names(value)
        yield from _parameters(layer.layers)


def _all_layers(spec: Spec) -> Iterator[LayerSpec]:
    waiting = [*spec.layers, *(layer for block in spec.blocks.values() for layer in block.layers)]
    while waiting:
        layer = waiting.pop()
        yield layer
        waiting.extend(layer.layers)


def _check_call(call: LayerSpec, blocks: Mapping[str, Block]) -> None:
    """Check that a call names a block and gives exactly its parameters."""
    called = text(call.argument, call.at("block"))
    if called not in blocks:
        reason = nearest(called, blocks) if blocks else "; the spec defines none"
        raise FaultError(call.at("block"), f"unknown block {shown(called)}{reason}")
    block = blocks[called]
    for key, value in call.options.items():
        if key not in block.parameters:
            reason = nearest(key, block.parameters) if block.parameters else "; it has none"
            raise FaultError(call.at(key), f"block {shown(called)} has no such parameter{reason}")
        if ARRIVING in free_names(value):
            raise FaultError(call.at(key), "'$in' cannot be passed to a block; write a number")
    for parameter in sorted(block.parameters - {*call.options, *block.defaults}):
        raise FaultError(call.at("block"), f"block {shown(called)} needs {shown(parameter)}")
