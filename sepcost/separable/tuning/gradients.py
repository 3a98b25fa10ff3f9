"""Gradients of the weights and biases of convolutions, as nodes of a backward graph.

With y = Σ_k W_k · x(p·s + k·d - b) at positions p, the gradient of tap k is the product of the
gradient of y and of x as this tap sees it, summed over samples and positions. A transposed
convolution is the same with x and the gradient of y in each other's place.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from sepcost.cost.geometry import convolution
from sepcost.cost.results import Convolution
from sepcost.network import Layer, Shape
from sepcost.separable.runs.backward.tape import NoGradient, Tape


def weight_gradient(tape: Tape, layer: Layer, gradient: str) -> str:
    """Gradient of a convolution's weight, in the layout of that weight.

    Parameters
    ----------
    tape
        The nodes are appended to it.
    layer
        A Conv or ConvTranspose with any group, strides, dilations and pads.
    gradient
        Gradient of its output.

    Raises
    ------
    NoGradient
        Its shapes are unknown.
    """
    shape = convolution(layer)
    if shape is None:
        raise NoGradient
    x = tape.value(layer.reads[0])
    sides = (layer.inputs[0], layer.outputs[0])
    if shape.transposed:
        seen, fixed, (target, source) = gradient, x, sides
    else:
        seen, fixed, (source, target) = x, gradient, sides
    taps = _Taps(tape, shape, source, target)
    return taps.products(taps.padded(seen), fixed, layer.inputs[1])


def bias_gradient(tape: Tape, layer: Layer, gradient: str) -> str:
    """Gradient of a convolution's bias: that of its output, summed over samples and positions."""
    axes = tape.constant(np.array([0, *range(2, len(layer.outputs[0]))]))
    return tape.add("ReduceSum", gradient, axes, keepdims=0)


@dataclass(frozen=True, slots=True)
class _Taps:
    """The taps of a kernel: each sees the source at its own offset, in steps of the stride."""

    tape: Tape
    shape: Convolution
    source: Shape  # [B, C, ...]: what the taps look at
    target: Shape  # [B, C', ...]: one element per position of the kernel

    @property
    def spans(self) -> list[int]:
        """Elements from the first that a tap sees to its last, along each axis."""
        return [
            (out - 1) * stride + 1
            for out, stride in zip(self.target[2:], self.shape.strides, strict=True)
        ]

    def padded(self, seen: str) -> str:
        """The source with all zeros that a tap can see."""
        before = self.shape.pads[: len(self.shape.kernel)]
        after = [
            max(0, span + (taps - 1) * dilation - size - begin)
            for span, taps, dilation, size, begin in zip(
                self.spans, self.shape.kernel, self.shape.dilations, self.source[2:], before,
                strict=True,
            )
        ]  # fmt: skip
        if not any(before) and not any(after):
            return seen
        ends = np.array([0, 0, *before, 0, 0, *after])
        return self.tape.add("Pad", seen, self.tape.constant(ends))

    def products(self, padded: str, fixed: str, weight: Shape) -> str:
        """Sum the products of all taps; ``weight`` is the shape of the result."""
        kernel = self.shape.kernel
        offsets = list(product(*map(range, kernel)))
        single = weight[1] == 1 and self.source[1] == self.target[1]
        if single:
            parts = [self._by_channel(self._tap(padded, offset), fixed) for offset in offsets]
        else:
            right = self._rows(fixed, self.target[1])
            parts = [self._by_group(self._tap(padded, offset), right) for offset in offsets]
        if len(parts) == 1:
            whole = parts[0]
        else:
            last = self.tape.constant(np.array([-1]))
            apart = [self.tape.add("Unsqueeze", part, last) for part in parts]
            whole = self.tape.add("Concat", *apart, axis=-1)
        return self.tape.add("Reshape", whole, self.tape.constant(np.array(weight)))

    def _tap(self, padded: str, offset: tuple[int, ...]) -> str:
        """The source as one tap sees it, [B, C, ...positions]."""
        strides = self.shape.strides
        if prod(self.shape.kernel) == 1 and max(strides) == 1:
            return padded
        starts = [place * step for place, step in zip(offset, self.shape.dilations, strict=True)]
        ends = [start + span for start, span in zip(starts, self.spans, strict=True)]
        axes = list(range(2, 2 + len(starts)))
        given = (self.tape.constant(np.array(one)) for one in (starts, ends, axes, strides))
        return self.tape.add("Slice", padded, *given)

    def _by_channel(self, tap: str, fixed: str) -> str:
        """[C]: products of each channel with itself."""
        axes = self.tape.constant(np.array([0, *range(2, len(self.target))]))
        both = self.tape.add("Mul", tap, fixed)
        return self.tape.add("ReduceSum", both, axes, keepdims=0)

    def _by_group(self, tap: str, right: str) -> str:
        """[G, C'/G, C/G]: products of all pairs of channels of a group."""
        left = self._rows(tap, self.source[1])
        if self.shape.group == 1:
            return self.tape.add("Gemm", right, left, transB=1)
        turned = self.tape.add("Transpose", left, perm=[0, 2, 1])
        return self.tape.add("MatMul", right, turned)

    def _rows(self, value: str, channels: int) -> str:
        """[C, B·positions], or [G, C/G, B·positions] of several groups."""
        order = [1, 0, *range(2, len(self.target))]
        turned = self.tape.add("Transpose", value, perm=order)
        group = self.shape.group
        sizes = [channels, -1] if group == 1 else [group, channels // group, -1]
        return self.tape.add("Reshape", turned, self.tape.constant(np.array(sizes)))
