"""Values of a layer spec: ``$`` expressions, and readers that check the type."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import NoReturn

from sepcost.model.spec.lines import FaultError, Place, nearest, shown

#: Larger sizes (channels, axes, kernels, strides) are mistakes.
MAX_SIZE = 2**24
MAX_EXPRESSION = 100

#: The name of a layer's input channels in expressions.
ARRIVING = "in"

_NAME = re.compile(r"\$(\w+)")


def free_names(value: object) -> set[str]:
    """Collect the ``$names`` in a value."""
    if isinstance(value, str):
        return set(_NAME.findall(value))
    if isinstance(value, list):
        return set().union(*map(free_names, value))
    return set()


def resolve(value: object, names: Mapping[str, object], place: Place) -> object:
    """Replace ``$names``: ``"$act"`` with any value, ``"4 * $channels"`` with an integer.

    Raises
    ------
    FaultError
        If a name is not defined, or the expression is not integer arithmetic.
    """
    if isinstance(value, list):
        return [resolve(item, names, (*place, index)) for index, item in enumerate(value)]
    if not isinstance(value, str) or "$" not in value:
        return value
    for name in _NAME.findall(value):
        if name not in names:
            known = "; only blocks have parameters"
            if names:
                known = nearest(f"${name}", [f"${each}" for each in names])
            raise FaultError(place, f"{shown(f'${name}')} is not defined{known}")
    whole = _NAME.fullmatch(value.strip())
    return names[whole[1]] if whole else _arithmetic(value, names, place)


def _arithmetic(text: str, names: Mapping[str, object], place: Place) -> int:
    if len(text) > MAX_EXPRESSION:
        raise FaultError(place, f"the expression has more than {MAX_EXPRESSION} characters")
    try:
        tree = ast.parse(_NAME.sub(r"(_\1)", text).strip(), mode="eval")
        return _evaluate(tree.body, {f"_{name}": value for name, value in names.items()})
    except (SyntaxError, TypeError, ValueError, MemoryError, RecursionError) as error:
        reason = error if type(error) is ValueError else "expected integers, $names and + - * / ( )"
        raise FaultError(place, f"cannot read {shown(text)}: {reason}") from None


def _evaluate(node: ast.expr, names: Mapping[str, object]) -> int:
    match node:
        case ast.Constant(value=int(number)) if type(number) is int:
            return number
        case ast.Name(id=name) if type(names.get(name)) is int:
            return names[name]  # type: ignore[return-value]
        case ast.BinOp(left=left, op=op, right=right):
            return _combine(op, _evaluate(left, names), _evaluate(right, names))
    raise TypeError


def _combine(op: ast.operator, left: int, right: int) -> int:
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div() if right and left % right == 0:
            return left // right
        case ast.Div():
            raise ValueError(f"{right} does not divide {left}")
    raise TypeError


def expected(what: str, value: object, place: Place) -> NoReturn:
    """Raise the fault for an invalid value."""
    raise FaultError(place, f"expected {what}, not {shown(value)}")


def integer(value: object, place: Place, low: int = 1, high: int = MAX_SIZE) -> int:
    """Read an integer from ``low`` to ``high``."""
    if type(value) is not int or not low <= value <= high:
        expected(f"an integer from {low} to {high}", value, place)
    return value


def sizes(value: object, axes: int, place: Place, low: int = 1) -> tuple[int, ...]:
    """Read one integer for all spatial axes, or one per axis."""
    if isinstance(value, list):
        if len(value) != axes:
            expected(f"{axes} integers, one per spatial axis", value, place)
        return tuple(integer(item, (*place, index), low) for index, item in enumerate(value))
    if type(value) is not int:
        expected(f"an integer or a list of {axes}", value, place)
    return (integer(value, place, low),) * axes


def flag(value: object, place: Place) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        expected("true or false", value, place)
    return value


def word(value: object, words: Iterable[str], place: Place) -> str:
    """Read one of several words."""
    if not isinstance(value, str):
        expected(f"one of {', '.join(sorted(words))}", value, place)
    if value not in words:
        raise FaultError(place, f"unknown word {shown(value)}{nearest(value, words)}")
    return value


def text(value: object, place: Place) -> str:
    """Read a string."""
    if not isinstance(value, str):
        expected("a string", value, place)
    return value


def table(value: object, place: Place) -> dict[str, object]:
    """Read a table."""
    if not isinstance(value, dict):
        expected("a table", value, place)
    return value


def positive(value: object, place: Place) -> float:
    """Read a finite number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_SIZE:
        expected("a number above 0", value, place)
    return float(value)
