"""What became of a stranger, in words that no machine and no run changes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

from sepcost.errors import SepcostError

#: What one hopes for: every count known and witnessed, no convolution to convert, a time.
ORDINARY = "."

#: An outcome that is neither right nor a clear refusal; the words after it say what it was.
WRONG = "WRONG:"

#: Why a model cannot be sized, fed or run. Whether the last holds depends on the machine.
UNSIZED = "unsized"
UNSUITED = "unsuited inputs"
EMPTY = "empty input"
NO_TENSOR = "no tensor"
RARE = "rare type"  # that numpy lacks
LOCALE = "lacks a locale"

#: What a refusal says, remedy and all -> its word. One that says nothing of these is wrong.
REFUSALS: Mapping[str, str] = {
    r"bind it with (--bind|--shape) ": UNSIZED,
    r"is no usable size; give 1 to": EMPTY,
    r"Expected: 0 .*give that dimension a name": EMPTY,
    r"is no tensor.*cut the model": NO_TENSOR,
    r"cannot create inputs of type .*; leave them out": NO_TENSOR,
    r"Could not find an implementation.*bring it to an opset": "lacks an operator",
    r"Failed to find kernel.*bring it to an opset": "lacks an operator",
    r"is not a registered function/op; only a runtime": "lacks an operator",
    r"returned while running.*do its inputs suit it\?": UNSUITED,
    r"Failed to construct locale": LOCALE,
    r"Exception during initialization.*export that operator otherwise": "not initialised",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the table."""

    model: str
    macs: str = "-"
    params: str = "-"
    elementwise: str = "-"
    analyze: str = ORDINARY  # "sizes": only when told; "at least": rows without a count
    runtime: str = ORDINARY  # whether ONNX Runtime's shapes give the same counts
    check: str = ORDINARY  # "unknown": "at least" passes no budget
    full: str = ORDINARY  # convolutions converted at full rank, and MACs then
    error: str = ORDINARY  # what --max-error 0.02 came to
    bench: str = ORDINARY  # "given": only with the inputs that ONNX keeps

    @property
    def line(self) -> str:
        """The row as it is written."""
        return "\t".join(astuple(self))

    @property
    def wrong(self) -> str:
        """What is wrong, if anything is."""
        return "; ".join(value for value in astuple(self) if value.startswith(WRONG))


COLUMNS = tuple(field.name for field in fields(Outcome))

#: Columns that another ONNX Runtime may fill in otherwise.
OF_THE_RUNTIME = frozenset({"runtime", "full", "error", "bench"})


def differences(kept: Outcome, found: Outcome, columns: Sequence[str]) -> str:
    """Tell what is other than it was, in the columns that have to be the same."""
    cells = ((column, getattr(kept, column), getattr(found, column)) for column in columns)
    return "; ".join(
        f"{column} was {old!r} and is {new!r}"
        for column, old, new in cells
        if old != new and LOCALE not in {old, new}
    )


def refused(error: SepcostError) -> str:
    """Call a refusal by its word."""
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
