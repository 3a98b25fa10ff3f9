"""Two dense layers in place of one: U·(V·x) for W·x, each written like the original."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import helper, numpy_helper

from sepcost.cost.dense import Dense
from sepcost.model.dtypes import numpy_dtype
from sepcost.model.tensors import Array
from sepcost.separable.rewrite.draft import Replacement

if TYPE_CHECKING:
    from sepcost.separable.factors.kernels import Factors

#: First opset in which a Gemm needs no bias.
NO_BIAS_OPSET = 11


def two_products(draft: Replacement, found: Dense, factors: Factors) -> None:
    """Write V and then U, with the bias."""
    write = _gemm if draft.node.op_type == "Gemm" else _matmul
    middle = write(draft, found, ("bottleneck", draft.source, factors.spatial[0]), None)
    write(draft, found, ("pointwise", middle, factors.pointwise[0]), _bias(draft, found, factors))


Part = tuple[str, str, Array]  # its label, what it reads, its matrix [N, M]


def _gemm(draft: Replacement, found: Dense, part: Part, bias: str | None) -> str:
    label, source, _ = part
    names = ("transA", "transB")
    turns = {names[found.weight]: int(found.turned == bool(found.weight))}
    if source == draft.source:
        turns[names[found.data]] = int((found.axis == -1) == bool(found.data))
    if bias is None and draft.opset < NO_BIAS_OPSET:
        bias = _zero(draft)
    output = draft.make("Gemm", label, [*_operands(draft, found, part), *filter(None, [bias])])
    draft.nodes[-1].attribute.extend(helper.make_attribute(*one) for one in turns.items())
    if bias and bias in draft.node.input:
        draft.nodes[-1].attribute.extend(a for a in draft.node.attribute if a.name == "beta")
    return output


def _matmul(draft: Replacement, found: Dense, part: Part, bias: str | None) -> str:
    output = draft.make("MatMul", part[0], _operands(draft, found, part))
    return draft.make("Add", "add", [output, bias]) if bias else output


def _operands(draft: Replacement, found: Dense, part: Part) -> list[str]:
    """The matrix, stored like the original's, and the data, in the original's order."""
    label, source, matrix = part
    weight = draft.weights.weight(label, matrix if found.turned else matrix.T).value
    return [source, weight] if found.weight else [weight, source]


def _bias(draft: Replacement, found: Dense, factors: Factors) -> str | None:
    """The fitted bias, else the original's."""
    fitted = factors.bias
    if fitted is not None and found.out_axis == -2:
        fitted = fitted[:, None]
    return draft.bias(fitted) or None


def _zero(draft: Replacement) -> str:
    """A bias that adds nothing; it is no weight of the factors."""
    name = draft.unique(f"{draft.name}/zero")
    zero = np.zeros(1, numpy_dtype(draft.candidate.dtype))
    draft.weights.tensors.append(numpy_helper.from_array(zero, name))
    return name
