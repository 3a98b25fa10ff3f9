"""Sizes that are derived from symbols: each computed from them, or they from it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from sepcost.errors import BindingError
from sepcost.model import symbols

Derived = Mapping[str, frozenset[str]]  # expression -> its symbols


def settle(bindings: MutableMapping[str, int], derived: Derived, source: str) -> list[str]:
    """Bind all that follows from what is bound; return what was computed, in words.

    Raises
    ------
    BindingError
        Where a derived size is bound to what its symbols do not make, or comes out as no size.
    """
    said: list[str] = []
    open_ = dict(derived)
    while True:
        ready = [text for text, of in open_.items() if _missing(of, bindings) <= (text in bindings)]
        if not ready:
            return said
        for text in ready:
            missing = open_.pop(text) - bindings.keys()
            if missing:
                _solve(bindings, text, next(iter(missing)), source)
            else:
                said += _compute(bindings, text, source)


def _missing(of: frozenset[str], bindings: Mapping[str, int]) -> int:
    return len(of - bindings.keys())


def _solve(bindings: MutableMapping[str, int], text: str, name: str, source: str) -> None:
    wanted = bindings[text]
    found = symbols.solve(text, wanted, name, bindings)
    if found is None or found < 0:
        raise BindingError(
            f"{source}: no {name} makes {text} {wanted}; bind {name} itself: --bind {name}=SIZE"
        )
    bindings[name] = found


def _compute(bindings: MutableMapping[str, int], text: str, source: str) -> list[str]:
    known = {name: size for name, size in bindings.items() if name != text}
    found = symbols.size(text, known)
    of = ", ".join(f"{name}={known[name]}" for name in sorted(symbols.names(text)))
    if found is None:
        raise BindingError(f"{source}: {text} is no size where {of}; bind other sizes")
    if bindings.setdefault(text, found) != found:
        raise BindingError(f"{source}: {text}={bindings[text]} contradicts {of}: it is {found}")
    return [f"dimension {text} is {found}, by {of}"]
