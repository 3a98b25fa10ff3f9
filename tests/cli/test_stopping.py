"""Ctrl-C once stops with the best plan; twice, or before there is a plan, it quits."""

import os
import signal
import sys

import pytest

from sepcost.cli.stopping import on_request
from sepcost.errors import TimeUpError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_one_asks_to_stop(capfd):
    with on_request(quiet=False) as asked:
        assert not asked()
        press()
        assert asked()
    line = "sepcost: stopping with the best plan found so far; Ctrl-C again quits at once\n"
    assert capfd.readouterr() == ("", line)


def test_the_second_one_quits():
    with on_request(quiet=True):
        press()
        with pytest.raises(KeyboardInterrupt):
            press()


def test_before_there_is_a_plan_it_quits(capfd):
    def too_early():
        with on_request(quiet=False):
            press()
            raise TimeUpError

    with pytest.raises(KeyboardInterrupt):
        too_early()
    assert capfd.readouterr().err.endswith("stopped before there was a plan; nothing was written\n")


def test_that_the_time_is_up_is_another_matter():
    with pytest.raises(TimeUpError), on_request(quiet=False):
        raise TimeUpError


def test_quietly_it_says_nothing(capfd):
    with on_request(quiet=True) as asked:
        press()
        assert asked()
    assert capfd.readouterr().err == ""


def test_afterwards_everything_is_as_before():
    before = signal.getsignal(signal.SIGINT)
    with on_request(quiet=True):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_an_ignored_signal_stays_ignored(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with on_request(quiet=False) as asked:
            press()
            assert not asked()
    finally:
        signal.signal(signal.SIGINT, before)
