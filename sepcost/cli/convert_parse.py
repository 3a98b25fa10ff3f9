"""Values of the options of ``convert``, from text to plain data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sepcost.cli import parse
from sepcost.errors import SepcostError

if TYPE_CHECKING:
    from sepcost.separable.factors.blocks import Form
    from sepcost.separable.settings import Goal


class Goals(NamedTuple):
    """The goals as typed: at most one cost goal and one quality goal."""

    rank: str | None = None
    speedup: float | None = None
    macs: str | None = None
    params: str | None = None
    max_drop: str | None = None
    max_error: str | None = None


def goals(given: Goals) -> tuple[Goal, Goal | None]:
    """The first goal and the second, if any; by default ``--max-error 0.02``.

    Raises
    ------
    SepcostError
        If one is malformed, or two are of one kind.
    """
    from sepcost.separable.settings import QUALITY, Goal

    named = [_goal(name, value) for name, value in given._asdict().items() if value is not None]
    kinds = [goal.aim in QUALITY for goal in named]
    for kind in set(kinds):
        same = [f"--{goal.aim}" for goal in named if (goal.aim in QUALITY) is kind]
        if len(same) > 1:
            what = "quality" if kind else "cost"
            raise SepcostError(f"{' and '.join(same)}: give only one {what} goal")
    first, *others = named or [Goal()]
    return first, others[0] if others else None


def _goal(name: str, value: str | float) -> Goal:
    from sepcost.separable.settings import Aim, Goal

    aim = Aim(name.replace("_", "-"))
    if aim is Aim.RANK:
        return Goal(aim, _rank(str(value)))
    if isinstance(value, float):
        return Goal(aim, value)
    return Goal(aim, parse.fraction(f"--{aim}", value), value.strip())


def _rank(text: str) -> int:
    word = text.strip()
    if word == "full":
        return 0
    if not re.fullmatch(r"[1-9][0-9]{0,5}", word):
        raise SepcostError(f"--rank {text!r}: expected a positive integer or full")
    return int(word)


def forms(text: str | None) -> tuple[Form, ...]:
    """``"depthwise-pointwise,bottleneck"`` to forms; by default all separable ones.

    Raises
    ------
    SepcostError
        If a form is unknown.
    """
    from sepcost.separable.factors.blocks import Form
    from sepcost.separable.settings import FORMS

    if text is None:
        return FORMS
    known = {str(form): form for form in Form}
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise SepcostError(f"--forms {name!r}: unknown form; choose from {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names))


def numbers(option: str, text: str | None) -> tuple[float, ...]:
    """``"0.485,0.456"`` to numbers; by default none.

    Raises
    ------
    SepcostError
        If one is not a number.
    """
    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise SepcostError(f"{option} {text!r}: expected numbers, such as 0.485,0.456") from error


def size(text: str | None) -> tuple[int, int] | None:
    """``"224x224"`` or ``"224"`` to height and width.

    Raises
    ------
    SepcostError
        If it is malformed.
    """
    if text is None:
        return None
    parts = re.fullmatch(r"([1-9]\d{0,4})(?:[x×]([1-9]\d{0,4}))?", text.strip())
    if parts is None:
        raise SepcostError(f"--size {text!r}: expected HEIGHTxWIDTH, such as 224x224")
    return int(parts[1]), int(parts[2] or parts[1])


def passes(text: str) -> int | None:
    """``"auto"`` to None, ``"off"`` to 0, ``"15000"`` to a number.

    Raises
    ------
    SepcostError
        If it is none of these.
    """
    word = text.strip().replace(",", "").replace("_", "")
    if word in {"auto", "off"}:
        return None if word == "auto" else 0
    if not re.fullmatch(r"[0-9]{1,9}", word):
        raise SepcostError(
            f"--tune {text!r}: expected auto, off or a number of samples, such as 15000"
        )
    return int(word)
