"""The dimensions of a model that have no size yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from onnx import ModelProto, TypeProto, ValueInfoProto

from sepcost.errors import BindingError, UnknownNameError
from sepcost.model.bind import declared_symbols, is_fixed
from sepcost.model.graphs import initializers
from sepcost.model.load import Loaded
from sepcost.model.values import text

NamedShape = Mapping[str, Sequence[int | str]]


def free_symbols(loaded: Loaded) -> tuple[str, ...]:
    """Return the symbols of the inputs, in their order; derived sizes (``2*N``) are none."""
    return declared_symbols(_inputs(loaded))


def has_fixed_inputs(loaded: Loaded) -> bool:
    """Whether every dimension of every input has a size."""
    return all(map(is_fixed, (value.type for value in _inputs(loaded))))


def _inputs(loaded: Loaded) -> list[ValueInfoProto]:
    given = {text(tensor.name) for tensor in initializers(loaded.proto.graph)}
    return [value for value in loaded.proto.graph.input if text(value.name) not in given]


def with_names(loaded: Loaded, shape: NamedShape) -> tuple[Loaded, dict[str, tuple[int, ...]]]:
    """Give dimensions without a name the names in ``shape``; return the other shapes too.

    Raises
    ------
    BindingError
        If a shape with names does not match its input.
    """
    plain = {n: tuple(map(int, dims)) for n, dims in shape.items() if not _named(dims)}
    if len(plain) == len(shape):
        return loaded, plain
    proto = ModelProto()
    proto.CopyFrom(loaded.proto)
    inputs = {text(value.name): value.type.tensor_type for value in proto.graph.input}
    hint = f"choose from: {', '.join(inputs)}" if inputs else "the model has none"
    for name, dims in shape.items():
        if name not in plain:
            written = f"{loaded.source}: --shape {name}={'x'.join(map(str, dims))}"
            if name not in inputs:
                raise UnknownNameError(f"{loaded.source}: no input is named {name!r}; {hint}", name)
            _write(inputs[name], dims, written)
    return replace(loaded, proto=proto), plain


def _write(tensor: TypeProto.Tensor, dims: Sequence[int | str], written: str) -> None:
    """Write sizes and names over the dimensions of one input."""
    if tensor.HasField("shape") and len(tensor.shape.dim) != len(dims):
        raise BindingError(
            f"{written} does not match the input's {len(tensor.shape.dim)} dimensions"
        )
    fixed = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim]
    tensor.ClearField("shape")
    for size, old in zip(dims, fixed or [-1] * len(dims), strict=True):
        if old >= 0 and old != size:
            raise BindingError(f"{written} contradicts the size {old} in the model")
        if isinstance(size, str):
            tensor.shape.dim.add().dim_param = size
        else:
            tensor.shape.dim.add().dim_value = size


def _named(dims: Sequence[int | str]) -> bool:
    return any(isinstance(size, str) for size in dims)
