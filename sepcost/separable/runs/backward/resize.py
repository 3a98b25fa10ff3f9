"""Gradients through Resize and Upsample, whatever the mode: they are linear along each axis.

Along an axis of n elements resized to m, y = A·x with A [m, n]; its columns are what the operator
makes of the unit vectors. The gradient is Aᵀ·g.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sepcost.network import Layer
from sepcost.separable.runs.backward.tape import Grads, NoGradient, Tape, first

_OLD: dict[str, Any] = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}


def resized(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Aᵀ·g, along each axis that changes."""
    g, (own, whole) = first(given), (layer.inputs[0], layer.outputs[0])
    mode = layer.attributes.get("coordinate_transformation_mode", "")
    if mode == "tf_crop_and_resize" or own[:2] != whole[:2] or len(own) < 3:
        raise NoGradient
    if layer.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise NoGradient
    for axis, (n, m) in enumerate(zip(own, whole, strict=True)):
        if axis > 1 and n != m:
            g = _along(tape, len(own), axis, g, _units(tape, layer, axis))
    return [g]


def _along(tape: Tape, rank: int, axis: int, gradient: str, matrix: str) -> str:
    """G times a matrix [m, n] along an axis."""
    turned = [k for k in range(rank) if k != axis] + [axis]
    last = tape.add("Transpose", gradient, perm=turned)
    back = [int(k) for k in np.argsort(turned)]
    return tape.add("Transpose", tape.add("MatMul", last, matrix), perm=back)


def _units(tape: Tape, layer: Layer, axis: int) -> str:
    """A [m, n]: the unit vectors of an axis, resized as the layer does."""
    n, m = layer.inputs[0][axis], layer.outputs[0][axis]
    units = tape.constant(np.eye(n, dtype=np.float32).reshape(n, 1, n, 1))
    old = layer.op_type == "Upsample" or len(layer.reads) == 2
    how = {k: v for k, v in layer.attributes.items() if k not in {"scales", "axes"}}
    how |= _OLD if old else {}
    scale = _scale(tape, layer, axis, old)
    if scale is None:
        sizes = tape.constant(np.array([n, 1, m, 1]))
        made = tape.add("Resize", units, "", "", sizes, **how)
    else:
        one = tape.constant(np.ones(1, np.float32))
        scales = tape.add("Concat", one, one, scale, one, axis=0)
        made = tape.add("Resize", units, "", scales, **how)
    rows = tape.add("Reshape", made, tape.constant(np.array([n, m])))
    return tape.add("Transpose", rows, perm=[1, 0])


def _scale(tape: Tape, layer: Layer, axis: int, old: bool) -> str | None:
    """The factor of one axis [1]; None where the layer names sizes."""
    stored: Any = layer.attributes.get("scales")
    if stored is not None:
        return tape.constant(np.array(stored[axis : axis + 1], np.float32))
    position = 1 if old else 2
    name = layer.reads[position] if len(layer.reads) > position else ""
    if not name or layer.inputs[position] == (0,):
        return None
    axes: Any = layer.attributes.get("axes")
    place = axis if axes is None else [a % len(layer.inputs[0]) for a in axes].index(axis)
    bounds = (tape.constant(np.array([k])) for k in (place, place + 1))
    return tape.add("Slice", tape.operand(name), *bounds)
