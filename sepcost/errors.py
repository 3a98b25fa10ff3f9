"""Everything sepcost raises on bad input, as a tree.

* SepcostError
  x ModelError        the ONNX file is unreadable, unsafe or contradicts itself
  x SpecError         a layer spec is malformed
  x BindingError      a dynamic dimension is unbound, or bound to something impossible
  x ConversionError   a model cannot be rewritten as asked
  x MeasurementError  a model could not be run or timed
  x BudgetError       a budget file is malformed
"""


def printable(text: str) -> str:
    """Show what does not print, such as a line break, ESC or a bidi override, as its escape."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the error's class if it has none."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


class SepcostError(Exception):
    """The user's input is at fault; the message says where and what to do."""

    exit_code = 2

    def __str__(self) -> str:
        """One line, whatever the names in it hold."""
        return printable(super().__str__())


class ModelError(SepcostError):
    """The ONNX file is unreadable, unsafe or contradicts itself."""


class SpecError(SepcostError):
    """A layer spec is malformed."""


class BindingError(SepcostError):
    """A dynamic dimension is unbound, or bound to something impossible."""


class ConversionError(SepcostError):
    """A model cannot be rewritten as asked."""


class MeasurementError(SepcostError):
    """A model could not be run or timed: provider missing, crash, time-out."""

    exit_code = 3


class BudgetError(SepcostError):
    """A budget file is malformed."""
