"""The outcome of a third-party model, in words that do not depend on machine or run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

from sepcost.errors import SepcostError

#: The expected outcome: all counts known and witnessed, nothing to convert, a time.
ORDINARY = "."

#: An outcome that is neither right nor a clear error; the words after it say why.
WRONG = "WRONG:"

#: Why a model cannot be sized, fed or run. The last reason depends on the machine.
UNSIZED = "unsized"
UNSUITED = "unsuited inputs"
EMPTY = "empty input"
NO_TENSOR = "no tensor"
RARE = "rare type"  # a type that numpy lacks
LOCALE = "lacks a locale"

#: Text of an error, with its remedy -> its word. An error with other text is wrong.
REFUSALS: Mapping[str, str] = {
    r"add (--bind|--shape) ": UNSIZED,
    r"expected a size from 1 to": EMPTY,
    r"Expected: 0 .*give that dimension a name": EMPTY,
    r"is not a tensor.*cut the model": NO_TENSOR,
    r"cannot create inputs of type .*; leave them out": NO_TENSOR,
    r"Could not find an implementation.*convert it to an opset": "lacks an operator",
    r"Failed to find kernel.*convert it to an opset": "lacks an operator",
    r"is not a registered function/op; only a runtime": "lacks an operator",
    r"returned while running.*check its inputs": UNSUITED,
    r"Failed to construct locale": LOCALE,
    r"Exception during initialization.*export that operator differently": "not initialised",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the table."""

    model: str
    macs: str = "-"
    params: str = "-"
    elementwise: str = "-"
    analyze: str = ORDINARY  # "sizes": only with sizes given; "at least": rows without a count
    runtime: str = ORDINARY  # whether ONNX Runtime's shapes give the same counts
    check: str = ORDINARY  # "unknown": a count that is "at least" cannot pass a budget
    full: str = ORDINARY  # convolutions converted at full rank, and MACs then
    error: str = ORDINARY  # result of --max-error 0.02
    bench: str = ORDINARY  # "given": only with ONNX's stored inputs

    @property
    def line(self) -> str:
        """The row as a line of the table."""
        return "\t".join(astuple(self))

    @property
    def wrong(self) -> str:
        """The reason if the outcome is wrong."""
        return "; ".join(value for value in astuple(self) if value.startswith(WRONG))


COLUMNS = tuple(field.name for field in fields(Outcome))

#: Columns that depend on the version of ONNX Runtime.
OF_THE_RUNTIME = frozenset({"runtime", "full", "error", "bench"})


def differences(kept: Outcome, found: Outcome, columns: Sequence[str]) -> str:
    """List the differences in the columns that must not change."""
    cells = ((column, getattr(kept, column), getattr(found, column)) for column in columns)
    return "; ".join(
        f"{column} was {old!r} and is {new!r}"
        for column, old, new in cells
        if old != new and LOCALE not in {old, new}
    )


def refused(error: SepcostError) -> str:
    """Return the word for an error."""
    message = str(error)
    if "\n" in message:
        return f"{WRONG} more than one line: {flat(message)}"
    for sign, word in REFUSALS.items():
        if re.search(sign, message):
            return word
    return f"{WRONG} a refusal of a new kind: {flat(message)}"


def flat(text: object) -> str:
    """Fit any text into a field."""
    return " ".join(str(text).split())[:300]
