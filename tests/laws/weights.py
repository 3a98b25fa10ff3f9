"""The content of weights, and their path to the convolution: one function per table line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from tests.laws.draft import Array, Draft, House, Place

Shape = tuple[int, ...]


# content


def normal(house: House, shape: Shape) -> Array:
    """Numbers that keep activations in range."""
    return house.noise(*shape, scale=prod(shape[1:]) ** -0.5)


def separable(house: House, shape: Shape) -> Array:
    """A kernel of rank 1, up to rounding."""
    points, taps = normal(house, (*shape[:2], 1)), house.noise(1, shape[1], prod(shape[2:]))
    return np.asarray(points * taps, house.dtype).reshape(shape)


def silent(house: House, shape: Shape) -> Array:
    """A kernel whose first filter is zero."""
    array = normal(house, shape)
    array[0] = 0
    return array


def zeros(house: House, shape: Shape) -> Array:
    """A kernel of zeros."""
    return np.zeros(shape, house.dtype)


CONTENT: Mapping[str, Callable[[House, Shape], Array]] = {
    "normal": normal, "separable": separable, "silent": silent, "zeros": zeros,
}  # fmt: skip


# path to the convolution


def initializer(draft: Draft, array: Array) -> str:
    return draft.stored(array)


def typed(draft: Draft, array: Array) -> str:
    """Stored in the typed field instead of raw bytes."""
    if draft.bare or array.dtype == np.float16:
        return draft.stored(array)
    name, element = draft.house.name("w"), draft.house.element
    draft.initializers.append(helper.make_tensor(name, element, array.shape, array.ravel()))
    return name


def constant(draft: Draft, array: Array) -> str:
    return draft.node("Constant", value=numpy_helper.from_array(array))[0]


def identity(draft: Draft, array: Array) -> str:
    return draft.node("Identity", draft.stored(array))[0]


def cast(draft: Draft, array: Array) -> str:
    """Stored as float16, which represents every number of ``House.noise``; so are new weights."""
    draft.house.halved = True
    narrow = draft.stored(array.astype(np.float16))
    return draft.node("Cast", narrow, to=draft.house.element)[0]


def transposed(draft: Draft, array: Array) -> str:
    turned = np.ascontiguousarray(array.swapaxes(0, 1))
    perm = [1, 0, *range(2, array.ndim)]
    return draft.node("Transpose", draft.stored(turned), perm=perm)[0]


def reshaped(draft: Draft, array: Array) -> str:
    shape = draft.stored(np.array(array.shape, np.int64))
    return draft.node("Reshape", draft.stored(array.ravel()), shape)[0]


def scaled(draft: Draft, array: Array) -> str:
    """Half of it, multiplied by two."""
    half = draft.stored(array / array.dtype.type(2))
    return draft.node("Mul", half, draft.stored(np.array(2, array.dtype)))[0]


def overridable(draft: Draft, array: Array) -> str:
    """An initializer that is also a graph input."""
    if draft.place is not Place.GRAPH or draft.house.ir_version < 4:
        return draft.stored(array)
    name = draft.stored(array)
    value = helper.make_tensor_value_info(name, draft.house.element, array.shape)
    draft.house.overridable.append(value)
    return name


CARRIERS: Mapping[str, Callable[[Draft, Array], str]] = {
    "initializer": initializer, "typed": typed, "constant": constant, "identity": identity,
    "cast": cast, "transpose": transposed, "reshape": reshaped, "mul": scaled,
    "overridable": overridable,
}  # fmt: skip


def kernel(draft: Draft, *shape: int) -> str:
    """Draw a weight; return the name of its value."""
    content = CONTENT[draft.draw(st.sampled_from([*CONTENT]))]
    carrier = CARRIERS[draft.draw(st.sampled_from([*CARRIERS]))]
    return carrier(draft, content(draft.house, shape))


def vector(draft: Draft, size: int, least: float | None = None) -> str:
    """Draw one number per channel, above ``least`` if given."""
    array = draft.house.noise(size)
    if least is not None:
        array = (np.abs(array) + least).astype(array.dtype)
    return draft.stored(array)
