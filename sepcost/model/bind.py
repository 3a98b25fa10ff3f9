"""Bind the dynamic dimensions of the graph inputs, by symbol, by input or by default."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

import onnx
from onnx import TypeProto

from sepcost.errors import BindingError, UnknownNameError
from sepcost.model import derivation, symbols
from sepcost.model.values import text

#: Larger dimensions are mistakes or attacks; counts stay exact far above it.
MAX_SIZE = 2**40


@dataclass(slots=True)
class BoundInputs:
    """The inputs of a graph, with a size for every dimension."""

    types: dict[str, TypeProto] = field(default_factory=dict)
    bindings: dict[str, int] = field(default_factory=dict)
    batch: int | None = None
    warnings: list[str] = field(default_factory=list)
    derived: frozenset[str] = frozenset()  # bindings that follow from others

    @property
    def is_default(self) -> bool:
        """Whether every symbol is 1."""
        return all(size == 1 for name, size in self.bindings.items() if name not in self.derived)


def bind_inputs(
    inputs: Sequence[onnx.ValueInfoProto],
    source: str,
    bind: Mapping[str, int],
    shape: Mapping[str, Sequence[int]],
) -> BoundInputs:
    """Give every dimension of ``inputs`` a size.

    ``shape`` is by input, ``bind`` by symbol. A dimension in neither becomes 1 if it is the first
    of its input (the batch), and is an error otherwise. A size derived from symbols (``2*N``) is
    computed from them, or they from it. Inputs that are not tensors stay unchanged.

    Raises
    ------
    BindingError
        If a name is not in the model, two bindings contradict each other or the model, or a
        dimension stays open; the message says how to bind it.
    """
    declared = {text(value.name): value.type for value in inputs}
    _check_names(declared, source, bind, shape)
    bound = BoundInputs(bindings=dict(bind))
    for name, sizes in shape.items():
        _bind_shape(bound, source, name, declared[name], sizes)
    derived = _derived(declared)
    bound.derived = frozenset(derived)
    derivation.settle(bound.bindings, derived, source)
    _lead_with_one(bound, declared, shape, derived)
    bound.warnings += derivation.settle(bound.bindings, derived, source)
    unbound = {
        name: _bind_input(bound, name, type_)
        for name, type_ in declared.items()
        if name not in shape
    }
    open_ = {name: dims for name, dims in unbound.items() if dims is not None}
    _refuse_open(source, open_, derived, bound.bindings)
    bound.batch = _batch(declared, bound)
    return bound


def declared_symbols(inputs: Sequence[onnx.ValueInfoProto]) -> tuple[str, ...]:
    """Return the symbols that can be bound, in the order of the inputs; derived sizes cannot."""
    declared = {text(value.name): value.type for value in inputs}
    derived = _derived(declared)
    every = (dim for type_ in declared.values() for dim in _symbols(type_))
    return tuple(dict.fromkeys(
        root
        for dim in every
        if isinstance(dim, str) and dim
        for root in sorted(derived.get(dim, {dim}))
    ))  # fmt: skip


def is_fixed(type_: TypeProto) -> bool:
    """Whether every dimension of an input has a size; inputs that are not tensors have none."""
    if not _is_tensor(type_):
        return True
    shaped = type_.tensor_type.HasField("shape")
    return shaped and all(isinstance(dim, int) for dim in _symbols(type_))


def _symbols(type_: TypeProto) -> list[str | int]:
    """Return each dimension as a number, a symbol, or "" if it has neither.

    Old exporters mark an open dimension by a negative size, Paddle's by "?". Two such dimensions
    need not be equal. 0 is a size: an empty cache.
    """
    return [
        dim.dim_value
        if dim.HasField("dim_value") and dim.dim_value >= 0
        else text(dim.dim_param).removeprefix("?")
        for dim in type_.tensor_type.shape.dim
    ]


def _derived(declared: Mapping[str, TypeProto]) -> dict[str, frozenset[str]]:
    """Return the sizes derived from symbols, each with its symbols.

    ``batch-size`` is a plain name unless ``batch`` and ``size`` are symbols too.
    """
    every = {d for type_ in declared.values() for d in _symbols(type_) if isinstance(d, str) and d}
    found = {d: symbols.names(d) for d in every}
    plain = {d for d in every if not found[d]}
    return {d: of for d, of in found.items() if of and (of <= plain or symbols.is_product(d))}


def _is_tensor(type_: TypeProto) -> bool:
    return bool(type_.HasField("tensor_type"))


def _check_names(
    declared: Mapping[str, TypeProto],
    source: str,
    bind: Mapping[str, int],
    shape: Mapping[str, Sequence[int]],
) -> None:
    known = {d for type_ in declared.values() for d in _symbols(type_) if isinstance(d, str) and d}
    known |= frozenset().union(*_derived(declared).values())
    for name, size in bind.items():
        if name not in known:
            hint = f"choose from {', '.join(sorted(known))}"
            hint = hint if known else _unnamed(declared)
            raise UnknownNameError(f"{source}: no dimension named {name!r}; {hint}", name)
        _check_size(source, name, size)
    for name, sizes in shape.items():
        if name not in declared:
            hint = f"choose from {', '.join(declared)}" if declared else "the model has none"
            raise UnknownNameError(f"{source}: no input named {name!r}; {hint}", name)
        fixed = [*_symbols(declared[name]), *[""] * len(sizes)]
        for size, dim in zip(sizes, fixed, strict=False):
            _check_size(source, name, size, least=0 if dim == 0 else 1)


def _unnamed(declared: Mapping[str, TypeProto]) -> str:
    """What a model without named dimensions takes instead of --bind."""
    if all(map(is_fixed, declared.values())):
        return "all its input sizes are fixed"
    return "the model names none, so use --shape INPUT=1x3x224x224"


def _check_size(source: str, name: str, size: int, least: int = 1) -> None:
    if not least <= size <= MAX_SIZE:
        raise BindingError(f"{source}: {name}={size}: expected a size from 1 to {MAX_SIZE}")


def _bind_shape(
    bound: BoundInputs, source: str, name: str, type_: TypeProto, sizes: Sequence[int]
) -> None:
    """Bind one input to a shape, and its symbols with it."""
    dims = _symbols(type_)
    given = "x".join(map(str, sizes))
    if not _is_tensor(type_) or (type_.tensor_type.HasField("shape") and len(dims) != len(sizes)):
        raise BindingError(
            f"{source}: --shape {name}={given} needs {len(dims)} dimensions, not {len(sizes)}"
        )
    for axis, (dim, size) in enumerate(zip(dims, sizes, strict=False)):
        if isinstance(dim, int) and dim != size:
            raise BindingError(
                f"{source}: --shape {name}={given} does not fit the model: axis {axis} must be "
                f"{dim}, not {size}"
            )
        if isinstance(dim, str) and dim and bound.bindings.setdefault(dim, size) != size:
            raise BindingError(
                f"{source}: --shape {name}={given} contradicts {dim}={bound.bindings[dim]}"
            )
    bound.types[name] = _with_shape(type_, list(sizes))


def _lead_with_one(
    bound: BoundInputs,
    declared: Mapping[str, TypeProto],
    shape: Mapping[str, Sequence[int]],
    derived: Container[str],
) -> None:
    """Bind each open symbol that comes first in an input to 1, with a warning."""
    for name, type_ in declared.items():
        dims = _symbols(type_) if _is_tensor(type_) else []
        if not dims or name in shape or dims[0] in derived:
            continue
        if dims[0] == 0:
            bound.warnings.append(f"input {name}: the leading dimension is declared as 0")
        elif isinstance(dims[0], int):
            continue
        elif not dims[0]:
            bound.warnings.append(f"input {name}: the leading dimension is not bound; using 1")
        elif dims[0] not in bound.bindings:
            bound.bindings[dims[0]] = 1
            bound.warnings.append(f"batch dimension {dims[0]} is not bound; using 1")


def _bind_input(bound: BoundInputs, name: str, type_: TypeProto) -> list[str | int] | None:
    """Bind one input; return its dimensions if one stays open."""
    if not _is_tensor(type_):
        bound.types[name] = type_
        return None
    if not type_.tensor_type.HasField("shape"):
        return []
    sizes: list[str | int] = []
    for position, dim in enumerate(_symbols(type_)):
        if dim == "" and position == 0:
            sizes.append(1)
        else:
            sizes.append(bound.bindings.get(dim, dim) if isinstance(dim, str) else dim)
    if any(isinstance(size, str) for size in sizes):
        return sizes
    bound.types[name] = _with_shape(type_, [size for size in sizes if isinstance(size, int)])
    return None


def _refuse_open(
    source: str,
    unbound: Mapping[str, list[str | int]],
    derived: Mapping[str, frozenset[str]],
    bindings: Mapping[str, int],
) -> None:
    if not unbound:
        return
    named = {d for dims in unbound.values() for d in dims if isinstance(d, str) and d}
    roots = {root for d in named for root in derived.get(d, {d}) if root not in bindings}
    what = "; ".join(
        f"input {name!r} has the dynamic shape [{', '.join(str(d) or '?' for d in dims)}]"
        if dims
        else f"input {name!r} has no shape"
        for name, dims in unbound.items()
    )
    flags = [f"--bind {symbol}=SIZE" for symbol in sorted(roots)]
    flags += [
        f"--shape {name}={'x'.join('SIZE' if isinstance(d, str) else str(d) for d in dims)}"
        for name, dims in unbound.items()
        if not dims or "" in dims
    ]
    raise BindingError(f"{source}: {what}; add {' '.join(flags)}")


def _with_shape(type_: TypeProto, sizes: list[int]) -> TypeProto:
    result = TypeProto()
    result.CopyFrom(type_)
    result.tensor_type.ClearField("shape")
    result.tensor_type.shape.SetInParent()
    for size in sizes:
        result.tensor_type.shape.dim.add().dim_value = size
    return result


def _batch(declared: Mapping[str, TypeProto], bound: BoundInputs) -> int | None:
    """Return the size that all dynamic leading dimensions have; None if they differ."""
    leading = {
        name: dims[0] for name, t in declared.items() if _is_tensor(t) and (dims := _symbols(t))
    }
    sizes = {
        bound.types[name].tensor_type.shape.dim[0].dim_value
        for name, dim in leading.items()
        if isinstance(dim, str) and dim not in bound.derived
    }
    return sizes.pop() if len(sizes) == 1 else None
