"""Third-party models through every command: the outcomes are those of the kept tables."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.strangers import crowd, table
from tests.strangers.models import COLLECTIONS
from tests.strangers.outcome import ORDINARY, WRONG, Outcome, differences
from tests.strangers.sample import dealt, sample

#: Child processes per collection.
PARTS = {"shared": 3, "light": 1, "stored": 2, "node": 2}


def parts():
    for collection, count in PARTS.items():
        names = sample(collection, table.read(collection).rows.values())
        for number, part in enumerate(dealt(names, count), 1):
            if part:
                yield pytest.param(collection, part, id=f"{collection}-{number}")


@pytest.mark.parametrize(("collection", "names"), list(parts()))
def test_outcomes_are_those_of_the_table(collection, names):
    here = {one.name for one in COLLECTIONS[collection]()}
    if not here:
        pytest.skip("the models are not to be had here")
    kept = table.read(collection)
    columns = kept.columns()
    outcomes = crowd.outcomes(collection, [name for name in names if name in here])
    assert [f"{one.model}: {one.wrong}" for one in outcomes if one.wrong] == []
    other = {one.model: differences(kept.rows[one.model], one, columns) for one in outcomes}
    assert {name: words for name, words in other.items() if words} == {}


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_model_has_its_row_and_none_is_wrong(collection):
    kept = table.read(collection)
    assert [row.wrong for row in kept.rows.values() if row.wrong] == []
    here = [one.name for one in COLLECTIONS[collection]()]
    if here and kept.versions["onnx"] == table.VERSIONS["onnx"]:
        assert list(kept.rows) == here


def one_of_each():
    """The first stored model for each outcome of bench."""
    chosen: dict[str, Outcome] = {}
    for row in table.read("stored").rows.values():
        chosen.setdefault(row.bench, row)
    return list(chosen.values())


def sepcost(*arguments):
    """Run the command itself; return its exit code and its error."""
    command = [sys.executable, "-m", "sepcost", *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done.returncode, [line for line in done.stderr.splitlines() if "error" in line]


@pytest.mark.skipif(
    table.read("stored").versions != table.VERSIONS, reason="the table is of other versions"
)
@pytest.mark.parametrize("row", one_of_each(), ids=lambda row: row.model)
def test_the_commands_themselves_end_as_the_table_says(row):
    path = {one.name: one for one in COLLECTIONS["stored"]()}[row.model].write(Path())
    code, errors = sepcost("bench", path, "--max-time", "0.1")
    assert (code, errors) == (0, []) if row.bench == ORDINARY else code in {2, 3}
    assert len(errors) == (row.bench != ORDINARY)
    at_least = "at least" in row.analyze  # cannot pass a budget
    assert sepcost("check", path, "--max-flops", 2 * int(row.macs)) == (int(at_least), [])


def test_a_budget_of_one_less_than_the_count_ends_with_1():
    row = table.read("stored").rows["pytorch-converted/Conv2d"]
    path = {one.name: one for one in COLLECTIONS["stored"]()}[row.model].write(Path())
    assert sepcost("check", path, "--max-macs", row.macs) == (0, [])
    assert sepcost("check", path, "--max-macs", int(row.macs) - 1)[0] == 1


def test_a_model_that_kills_its_process_is_an_outcome_and_the_next_one_is_tried(monkeypatch):
    dying = [sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"]
    monkeypatch.setattr(crowd, "COMMAND", dying)
    found = crowd.outcomes("stored", ["a", "b"])
    assert [(one.model, one.wrong) for one in found] == [
        ("a", f"{WRONG} crashed with SIGSEGV"),
        ("b", f"{WRONG} crashed with SIGSEGV"),
    ]
