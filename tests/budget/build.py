"""Short constructors of budgets and facts."""

from fractions import Fraction

from sepcost.budget.flags import given
from sepcost.budget.metrics import facts
from sepcost.budget.results import Check, Location, Status, Verdict
from tests.report.samples import analysis, conv_row, plain_row, unknown_row


def budget(metric, value, **table):
    """One budget, written as in the configuration."""
    return given({metric: {"max": value, **table} if table else value})[0]


def known(*rows, name="m.onnx", file_bytes=1000):
    """The facts of a small network; two convolutions of 18,432 MACs and a Relu by default."""
    rows = rows or (conv_row("a", "a_out"), conv_row("b", "b_out"), plain_row())
    return facts(name, analysis(*rows), file_bytes)


def partly_known():
    return known(conv_row(), unknown_row())


def verdict(status=Status.FAIL, **changes):
    found = {
        "model": "m.onnx", "metric": "macs", "actual": Fraction(700), "limit": Fraction(600),
        "status": status, "breaks": status in (Status.FAIL, Status.ERROR),
        "location": Location("a.toml", 7),
    }  # fmt: skip
    return Verdict(**(found | changes))


def check(*verdicts, **changes):
    return Check(tuple(verdicts), tuple(dict.fromkeys(v.model for v in verdicts)), **changes)
