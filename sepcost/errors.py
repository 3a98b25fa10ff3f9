"""The tree of errors that sepcost raises on bad input, and their messages.

* SepcostError
  x ModelError        the ONNX file is unreadable, unsafe or contradicts itself
  x SpecError         a layer spec is malformed
  x BindingError      a dynamic dimension is not bound, or bound to an invalid size
    x UnknownNameError  a size is given for a name that the model does not have
  x ConversionError   a model cannot be converted as requested
    x TimeUpError       the time is up before there is a plan
  x MeasurementError  a model could not be run or timed
  x HostError         another machine cannot be reached, or lacks what it needs
  x BudgetError       a budget file is malformed
"""

from __future__ import annotations

import os

#: Environment variable: any value but 0 shows the traceback of an unexpected error.
DEBUG = "SEPCOST_DEBUG"
OUT_OF_MEMORY = "out of memory; raise the limit (ulimit -v) or close other programs"


def printable(text: str) -> str:
    """Escape characters that do not print, such as line breaks, ESC and bidi overrides."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the error's class if it has none."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def debugging() -> bool:
    """Whether the user asked for tracebacks."""
    return os.environ.get(DEBUG, "0") not in {"", "0"}


def explained(error: BaseException) -> str:
    """Return one line about any exception; an unexpected one asks for a report."""
    if isinstance(error, SepcostError):
        return str(error)
    if _is_of_memory(error):
        return OUT_OF_MEMORY
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return printable(f"{where}{error.strerror or error}")
    return printable(
        f"unexpected {type(error).__name__}: {error} "
        f"(please report this; {DEBUG}=1 shows the traceback)"
    )


def _is_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, including while a library was loaded."""
    words = (
        "bad_alloc", "map segment", "Cannot allocate memory", "cannot map zero-fill",
        "descriptor pool: out of memory",
    )  # fmt: skip
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


class SepcostError(Exception):
    """The user's input is at fault; the message says where, and what to do."""

    exit_code = 2

    def __str__(self) -> str:
        """Return one line, even if names in the message contain line breaks."""
        return printable(super().__str__())


class ModelError(SepcostError):
    """The ONNX file is unreadable, unsafe or contradicts itself."""


class SpecError(SepcostError):
    """A layer spec is malformed."""


class BindingError(SepcostError):
    """A dynamic dimension is not bound, or bound to an invalid size."""


class UnknownNameError(BindingError):
    """A size is given for a name that the model does not have."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class ConversionError(SepcostError):
    """A model cannot be converted as requested."""


class TimeUpError(ConversionError):
    """The time is up, or the user asked to stop, before there is a plan."""

    exit_code = 1  # a goal is not met


class MeasurementError(SepcostError):
    """A model could not be run or timed: provider missing, crash, timeout."""

    exit_code = 3


class HostError(SepcostError):
    """Another machine cannot be reached, or lacks what it needs."""


class BudgetError(SepcostError):
    """A budget file is malformed."""
