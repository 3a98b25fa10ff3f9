"""Sizes that exporters write as expressions: ``2*s77``, ``past + 1``, ``(H - 1)//2 + 1``.

An expression consists of integers, names, ``+ - * / // % **`` and the functions in ``FUNCTIONS``;
its names are symbols. Any other text is a plain symbol.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import ceil, floor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fractions import Fraction

    Number = int | Fraction

#: Longer texts and larger numbers are not sizes, and could take too long.
MAX_LENGTH, MAX_NUMBER = 256, 2**63

#: Texts that Python would parse with a warning: a number before a name or a bracket.
_ODD = re.compile(r"(?<![\w.])\d+\s*[A-Za-z_(]|[^\w\s+\-*/%(),]|__")


def _power(base: Number, exponent: Number) -> Number:
    if not 0 <= exponent <= 8 or exponent != int(exponent):
        raise ValueError("not a power of a size")
    return base ** int(exponent)


def _quotient(a: Number, b: Number) -> Number:
    from fractions import Fraction  # noqa: PLC0415  (slow to import, and rarely needed)

    return Fraction(a) / b


OPERATIONS: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: _quotient,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: _power,
}

#: Functions of sympy, which PyTorch writes, and of onnx's symbolic shape inference.
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(("Abs", "abs"), abs),
    **dict.fromkeys(("Max", "max"), max),
    **dict.fromkeys(("Min", "min"), min),
    **dict.fromkeys(("Mod", "PythonMod"), lambda a, b: a % b),
    **dict.fromkeys(("FloorDiv", "CleanDiv", "floordiv"), lambda a, b: a // b),
    **dict.fromkeys(("ceil", "ceiling"), ceil),
    "CeilDiv": lambda a, b: -(-a // b),
    "floor": floor,
}


def names(text: str) -> frozenset[str]:
    """Return the symbols in an expression; none if the text is a plain symbol."""
    tree = _parsed(text)
    if tree is None or isinstance(tree, ast.Name):
        return frozenset()
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called
    )


def is_product(text: str) -> bool:
    """Whether an expression is more than names joined by ``-``, which could be one name."""
    tree = _parsed(text)
    kinds = (ast.Add, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.Call)
    return tree is not None and any(isinstance(node, kinds) for node in ast.walk(tree))


def size(text: str, bindings: Mapping[str, int]) -> int | None:
    """Evaluate an expression; None if a symbol is open or the value is not a size."""
    if text in bindings:
        return bindings[text]
    tree = _parsed(text)
    if tree is None or not names(text) <= bindings.keys() or not names(text):
        return None
    try:
        value = _value(tree, bindings)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None
    return int(value) if value >= 0 and value == int(value) else None


def solve(text: str, wanted: int, name: str, bindings: Mapping[str, int]) -> int | None:
    """Return the size of ``name`` for which a linear expression has the value ``wanted``.

    >>> solve("2*s77 + 1", 9, "s77", {})
    4
    """
    others = {known: at for known, at in bindings.items() if known != text}
    low, high = (size(text, {**others, name: at}) for at in (2**20, 2**20 + 1))
    if low is None or high is None or low == high:
        return None
    found, rest = divmod(wanted - low, high - low)
    found += 2**20
    return found if not rest and size(text, {**others, name: found}) == wanted else None


@lru_cache(maxsize=1024)
def _parsed(text: str) -> ast.expr | None:
    """Return the syntax tree of an expression; None if the text is not one."""
    if len(text) > MAX_LENGTH or _ODD.search(text):
        return None
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if _is_arithmetic(tree) else None


def _is_arithmetic(tree: ast.expr) -> bool:
    match tree:
        case ast.Name():
            return True
        case ast.Constant(value=value):
            return type(value) is int
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _is_arithmetic(operand)
        case ast.BinOp(left=left, op=op, right=right):
            return type(op) in OPERATIONS and _is_arithmetic(left) and _is_arithmetic(right)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return name in FUNCTIONS and all(map(_is_arithmetic, args))
    return False


def _value(tree: ast.expr, bindings: Mapping[str, int]) -> Number:
    match tree:
        case ast.Name(id=name):
            return bindings[name]
        case ast.Constant(value=int() as number):
            return number
        case ast.UnaryOp(op=op, operand=operand):
            sign = -1 if isinstance(op, ast.USub) else 1
            return sign * _value(operand, bindings)
        case ast.BinOp(left=left, op=op, right=right):
            operation = OPERATIONS[type(op)]
            return _bounded(operation(_value(left, bindings), _value(right, bindings)))
        case ast.Call(func=ast.Name(id=name), args=args):
            return _bounded(FUNCTIONS[name](*(_value(each, bindings) for each in args)))
    raise ValueError("not arithmetic")


def _bounded(value: Number) -> Number:
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise OverflowError("too large for a size")
    return value
