"""Sizes that exporters derive from others: ``2*s77``, ``past + 1``, ``(H - 1)//2 + 1``.

An expression is whole numbers, names, ``+ - * / // % **`` and the functions of ``FUNCTIONS``. Its
names are symbols of their own. What reads otherwise is a plain symbol, whatever it is called.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor
from typing import Any

Number = int | Fraction

#: Longer texts and larger numbers are no sizes, and might take for ever.
MAX_LENGTH, MAX_NUMBER = 256, 2**63

#: What Python would read with a warning: a number before a name or a bracket.
_ODD = re.compile(r"(?<![\w.])\d+\s*[A-Za-z_(]|[^\w\s+\-*/%(),]|__")


def _power(base: Number, exponent: Number) -> Number:
    if not 0 <= exponent <= 8 or exponent != int(exponent):
        raise ValueError("no power of a size")
    return base ** int(exponent)


OPERATIONS: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: Fraction(a) / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: _power,
}

#: Those of sympy, by which PyTorch writes sizes, and of onnx's own symbolic inference.
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
    """Return the symbols that a size is derived from; none where it is a plain symbol."""
    tree = _parsed(text)
    if tree is None or isinstance(tree, ast.Name):
        return frozenset()
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called
    )


def is_product(text: str) -> bool:
    """Whether an expression is more than names joined by ``-``, which are a name as well."""
    tree = _parsed(text)
    kinds = (ast.Add, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.Call)
    return tree is not None and any(isinstance(node, kinds) for node in ast.walk(tree))


def size(text: str, bindings: Mapping[str, int]) -> int | None:
    """Return the size that a text stands for; None where a symbol is open or it is none."""
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
    """Return the size of ``name`` for which an expression is ``wanted``, if a straight line has it.

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
    """Return the tree of an expression; None where a text is none."""
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


def _bounded(value: Any) -> Number:
    number: Number = value if isinstance(value, int) else Fraction(value)
    if not -MAX_NUMBER <= number <= MAX_NUMBER:
        raise OverflowError("beyond any size")
    return number
