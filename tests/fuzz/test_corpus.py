"""Inputs that once broke a reader no longer do. Unlike fuzzing, this does not need atheris."""

import sys

import pytest

from sepcost.errors import SepcostError
from tests.fuzz import __main__ as runner
from tests.fuzz.corpus import entries
from tests.fuzz.targets import TARGETS, Target, accepts

CORPUS = [(name, label, data) for name in TARGETS for label, data in entries(name)]


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, _, data in CORPUS],
    ids=[f"{name}: {label}" for name, label, _ in CORPUS],
)  # fmt: skip
def test_a_reader_accepts_it_or_refuses_it_in_one_line(name, data):
    accepts(name, data)


@pytest.mark.parametrize("name", TARGETS)
def test_some_seed_is_accepted(name):
    assert any(accepts(name, data) for data in TARGETS[name].seeds())


def raising(error):
    def read(*_):
        raise error

    return Target(read, lambda: [b"seed"])


@pytest.mark.parametrize(
    ("error", "sound"),
    [
        (SepcostError("one line"), True), (SepcostError("of\na name"), True),
        (SepcostError(""), False), (KeyError("x"), False), (RecursionError(), False),
    ],
)  # fmt: skip
def test_any_other_exception_is_a_finding(monkeypatch, capsys, error, sound):
    monkeypatch.setitem(TARGETS, "broken", raising(error))
    assert runner.replayed("broken") is sound
    assert ("broken: seed 0" in capsys.readouterr().out) is not sound


BREAKING = """
import sys; open(sys.argv[1] + "/found/crash-1", "wb").write(b"input")
print("INFO: libFuzzer's"); print("=== Uncaught Python exception: ==="); print("KeyError: 'x'")
sys.exit(77)
"""


@pytest.mark.parametrize(("code", "sound"), [(BREAKING, False), ("", True), ("exit(1)", False)])
def test_a_breaking_input_is_kept_and_reported(monkeypatch, tmp_path, capsys, code, sound):
    monkeypatch.setattr(runner, "FINDINGS", tmp_path)
    monkeypatch.setattr(
        runner, "_command", lambda name, seconds, home: [sys.executable, "-c", code, str(home)]
    )
    assert runner.fuzzed("options", 1) is sound
    kept = [path.read_bytes() for path in tmp_path.glob("options/*")]
    assert kept == ([b"input"] if code == BREAKING else [])
    printed = capsys.readouterr().out
    assert ("KeyError: 'x'" in printed) == (code == BREAKING)
    assert "INFO" not in printed


def test_without_atheris_the_corpus_is_replayed(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert runner.main(["options"]) == 0
    assert "only the corpus was replayed" in capsys.readouterr().out
