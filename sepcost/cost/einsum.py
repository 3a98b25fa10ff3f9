"""MACs of an Einsum equation.

Each operand is first summed over the labels that no other term has. If a label is summed over, two
operands take the product of the sizes of all their distinct labels: one MAC per term of the sum. A
product without a sum is elementwise and takes no MACs. More operands are contracted in pairs from
left to right, as in ONNX Runtime: after each pair, only the labels in later operands or the output
remain. A single operand is only transposed or reduced and takes no MACs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod

from sepcost.network import Shape

Term = dict[str, int]  # label -> size


def macs(equation: str, shapes: Sequence[Shape]) -> int:
    """Count the MACs of ``equation`` on operands of these shapes.

    Raises
    ------
    ValueError
        If the equation and the shapes do not fit.

    Examples
    --------
    >>> macs("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)])
    120
    >>> macs("ij->ji", [(3, 4)])
    0
    """
    return _costs(equation, shapes)[0]


def element_operations(equation: str, shapes: Sequence[Shape]) -> int:
    """Count what is added up before a contraction, and the products of which nothing is summed.

    Examples
    --------
    >>> element_operations("ij->i", [(3, 4)])
    9
    >>> element_operations("i,j->ij", [(3,), (5,)])
    15
    """
    return _costs(equation, shapes)[1]


def _costs(equation: str, shapes: Sequence[Shape]) -> tuple[int, int]:
    """MACs and element operations."""
    operands, output = _parse(equation, shapes)
    macs_, elements, left = 0, 0, Term()
    for step, right in enumerate(operands, start=1):
        later = output.union(*operands[step:])
        rest = {label: size for label, size in right.items() if label in later or label in left}
        elements += prod(right.values()) - prod(rest.values())
        union = _union(left, rest)
        kept = {label: size for label, size in union.items() if label in later}
        if step > 1 and kept.keys() < union.keys():
            macs_ += prod(union.values())
        elif step > 1:
            elements += prod(union.values())
        left = kept
    return macs_, elements


def _parse(equation: str, shapes: Sequence[Shape]) -> tuple[list[Term], set[str]]:
    inputs, arrow, target = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        raise ValueError(
            f"einsum {equation!r} names {len(terms)} operands, the node has {len(shapes)}"
        )
    pairs = list(zip(terms, shapes, strict=True))
    operands = [_term(term, shape) for term, shape in pairs]
    ellipses = {label for operand in operands for label in operand if label.startswith(".")}
    if arrow:
        named = set(target.replace("...", ""))
        return operands, named | (ellipses if "..." in target else set())
    counts = Counter(inputs.replace(",", "").replace("...", ""))
    return operands, {label for label, times in counts.items() if times == 1} | ellipses


def _term(term: str, shape: Shape) -> Term:
    """Return the size of each label; an ellipsis becomes ``.1`` (its last axis), ``.2``, ..."""
    before, dots, after = term.partition("...")
    hidden = len(shape) - len(before) - len(after)
    if hidden < 0 or (hidden and not dots):
        raise ValueError(f"einsum term {term!r} does not fit shape {list(shape)}")
    labels = [*before, *(f".{axis}" for axis in range(hidden, 0, -1)), *after]
    sizes: Term = {}
    for label, size in zip(labels, shape, strict=True):
        sizes[label] = _broadcast(sizes.get(label, 1), size)
    return sizes


def _union(left: Term, right: Term) -> Term:
    shared = {label: _broadcast(left.get(label, 1), size) for label, size in right.items()}
    return {**left, **shared}


def _broadcast(a: int, b: int) -> int:
    return b if a == 1 else a
