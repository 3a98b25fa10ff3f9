"""Steps of a conversion on stderr, off a terminal."""

import pytest

from sepcost.cli.convert_progress import live, plain


def test_off_a_terminal_lines_come_at_most_every_ten_seconds(capsys):
    times = iter([100, 101, 109.9, 110, 119, 125, 126])
    tell = plain(lambda: next(times))
    for step in ("reading", "fitting a", "fitting b", "fitting c", "timing", "verifying"):
        tell(step)
    assert capsys.readouterr().err == "fitting b · 10 s\ntiming · 25 s\n"


@pytest.mark.parametrize("quiet", [True, False])
def test_a_short_conversion_prints_nothing(capsys, quiet):
    with live(quiet) as tell:
        tell("fitting")
    assert capsys.readouterr() == ("", "")
