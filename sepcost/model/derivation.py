"""Sizes derived from symbols: compute a size from its symbols, or a symbol from the size."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from sepcost.errors import BindingError
from sepcost.model import symbols

Derived = Mapping[str, frozenset[str]]  # expression -> its symbols


def settle(bindings: MutableMapping[str, int], derived: Derived, source: str) -> list[str]:
    """Bind every size and symbol that the bindings determine; return a message per computed size.

    Raises
    ------
    BindingError
        If a derived size is bound to another value than its symbols give, or is not a valid size.
    """
    notes: list[str] = []
    open_ = dict(derived)
    while True:
        ready = [text for text, of in open_.items() if _missing(of, bindings) <= (text in bindings)]
        if not ready:
            return notes
        for text in ready:
            missing = open_.pop(text) - bindings.keys()
            if missing:
                _solve(bindings, text, next(iter(missing)), source)
            else:
                notes += _compute(bindings, text, source)


def _missing(of: frozenset[str], bindings: Mapping[str, int]) -> int:
    return len(of - bindings.keys())


def _solve(bindings: MutableMapping[str, int], text: str, name: str, source: str) -> None:
    wanted = bindings[text]
    found = symbols.solve(text, wanted, name, bindings)
    if found is None or found < 0:
        raise BindingError(
            f"{source}: {text}={wanted} has no solution for {name}; use --bind {name}=SIZE"
        )
    bindings[name] = found


def _compute(bindings: MutableMapping[str, int], text: str, source: str) -> list[str]:
    known = {name: size for name, size in bindings.items() if name != text}
    computed = symbols.size(text, known)
    of = ", ".join(f"{name}={known[name]}" for name in sorted(symbols.names(text)))
    if computed is None:
        raise BindingError(f"{source}: {text} is not a valid size with {of}; bind other sizes")
    if bindings.setdefault(text, computed) != computed:
        raise BindingError(
            f"{source}: {text}={bindings[text]} contradicts {of}, which gives {computed}"
        )
    return [f"dimension {text} is {computed}, from {of}"]
