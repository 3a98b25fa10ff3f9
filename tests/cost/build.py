"""Short constructors of layers and networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from sepcost.network import ABSENT, Attribute, Branch, Layer, Network, Role, Shape, Value

W = Role.WEIGHT


def layer(
    op_type: str,
    inputs: Sequence[Shape],
    outputs: Sequence[Shape],
    domain: str = "",
    **attributes: Attribute,
) -> Layer:
    """A layer whose second and later inputs are weights."""
    return Layer(
        id=op_type.lower(),
        name=op_type,
        op_type=op_type,
        domain=domain,
        scope="",
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        attributes=attributes,
        weights=frozenset(range(1, len(inputs))),
    )


def value(
    name: str, shape: Shape | None, role: Role = Role.ACTIVATION, dtype: str = "float32"
) -> Value:
    return Value(name, shape, dtype, role)


def node(
    values: Mapping[str, Value],
    op_type: str,
    reads: str,
    writes: str,
    *,
    name: str = "",
    trips: int | None = 1,
    branches: str = "",
    domain: str = "",
    scope: str = "",
    missing: tuple[str, ...] = (),
    **attributes: Attribute,
) -> Layer:
    """A layer over named values; ``_`` is omitted, ``branches`` reads ``outer.then in.else``."""

    def named(text: str) -> tuple[str, ...]:
        return tuple("" if part == "_" else part for part in text.split())

    def shapes(text: str) -> tuple[Shape, ...]:
        found = [values[part].shape if part else ABSENT for part in named(text)]
        return tuple(ABSENT if shape is None else shape for shape in found)

    weights = [i for i, part in enumerate(named(reads)) if part and values[part].role is W]
    sides = [part.split(".") for part in branches.split()]
    return Layer(
        id=named(writes)[0],
        name=name or f"{op_type}_{named(writes)[0]}",
        op_type=op_type,
        domain=domain,
        scope=scope,
        inputs=shapes(reads),
        outputs=shapes(writes),
        attributes=attributes,
        weights=frozenset(weights),
        parameters=tuple(dict.fromkeys(named(reads)[i] for i in weights)),
        reads=named(reads),
        writes=named(writes),
        missing=missing,
        trips=trips,
        branches=tuple(Branch(choice, side) for choice, side in sides),
    )


def network(
    values: Mapping[str, Value], layers: Sequence[Layer], outputs: str = "", **rest: Any
) -> Network:
    return Network(
        name="net",
        layers=tuple(layers),
        values=dict(values),
        parameters={name: found for name, found in values.items() if found.role is W},
        inputs=tuple(found for found in values.values() if found.role is Role.INPUT),
        outputs=tuple(outputs.split()),
        **rest,
    )


def table(**shapes: Shape | None) -> dict[str, Value]:
    """Values by name: ``x...`` are graph inputs, ``w...`` weights, ``c...`` constants."""
    roles = {"x": Role.INPUT, "w": W, "c": Role.CONSTANT}
    return {
        name: value(name, shape, roles.get(name[0], Role.ACTIVATION))
        for name, shape in shapes.items()
    }


def size(*shape: int) -> int:
    """Bytes of a float32 tensor."""
    return 4 * prod(shape)
