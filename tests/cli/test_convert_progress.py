"""Steps of a conversion on stderr."""

import io
import os
import shutil
import sys

import pytest

from sepcost.cli.convert_progress import Lines, live, plain
from sepcost.separable.watch import Stage


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_off_a_terminal_lines_come_at_most_every_ten_seconds(capsys):
    times = iter([100, 101, 109.9, 110, 119, 125, 126])
    tell = plain(lambda: next(times))
    for step in ("reading", "fitting a", "fitting b", "fitting c", "timing", "verifying"):
        tell(Stage(step))
    assert capsys.readouterr().err == "fitting b · 10 s so far\ntiming · 25 s so far\n"


def test_a_counted_step_says_how_long_it_takes_yet(capsys):
    times = iter([0, 5, 10, 50, 400])
    tell = plain(lambda: next(times))
    for number in (1, 2, 4, 5):
        tell(Stage("fitting", number, 12, f"conv{number}"))
    assert capsys.readouterr().err.splitlines() == [
        "fitting 2 of 12: conv2 · about 55 s left · 10 s so far",
        "fitting 4 of 12: conv4 · about 2 min left · 50 s so far",
        "fitting 5 of 12: conv5 · about 13 min left · 7 min so far",
    ]


def test_each_kind_of_step_and_each_round_has_a_time_of_its_own():
    times = iter([0, 0, 60, 60, 64, 70])
    lines = Lines(lambda: next(times))
    fits = [Stage("fitting", 1, 4), Stage("fitting", 4, 4), Stage("fitting", 1, 4)]
    assert [lines.line(step) for step in fits] == [
        "fitting 1 of 4 · 0 s so far",
        "fitting 4 of 4 · about 20 s left · 60 s so far",
        "fitting 1 of 4 · 60 s so far",
    ]
    assert lines.line(Stage("fitting", 2, 4)) == "fitting 2 of 4 · about 12 s left · 64 s so far"
    assert lines.line(Stage("verifying")) == "verifying · 70 s so far"


def test_at_a_terminal_the_line_is_replaced_and_cleared(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((40, 9)))
    monkeypatch.setenv("TERM", "xterm")
    with live(quiet=False) as tell:
        tell(Stage("fitting", 1, 3, "conv\x1b[31m"))
        tell(Stage("fitting", 2, 3, "a rather long name of a layer"))
    first, second, last = terminal.getvalue().split("\r\x1b[K")[1:]
    assert first == "fitting 1 of 3: conv\\x1b[31m · 0 s so …"
    assert len(second) == 39
    assert last == ""


@pytest.mark.parametrize("quiet", [True, False])
def test_a_short_conversion_prints_nothing(capsys, quiet):
    with live(quiet) as tell:
        tell(Stage("fitting"))
    assert capsys.readouterr() == ("", "")
