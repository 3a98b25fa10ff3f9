"""The baseline file contains exact numbers and only tightens unless --loosen is given."""

import json
from fractions import Fraction

import pytest

from sepcost.budget import baseline
from sepcost.errors import BudgetError
from tests.budget.build import known, partly_known


def models(update):
    return json.loads(update.text)["models"]


def test_what_is_written_reads_back_the_same(tmp_path):
    update = baseline.updated({}, [known()])
    path = tmp_path / "b.json"
    path.write_text(update.text)
    facts = baseline.facts(baseline.read(path), "m.onnx")
    assert facts is not None
    assert facts.values == known().values
    assert baseline.updated(baseline.read(path), [known()]).text == update.text


def test_a_number_is_only_ever_lowered():
    old = {"m.onnx": {"macs": 40_000, "params": 1}}
    update = baseline.updated(old, [known()])
    assert (models(update)["m.onnx"]["macs"], models(update)["m.onnx"]["params"]) == (36864, 1)
    assert update.kept == ("m.onnx: params",)


def test_loosening_raises_numbers():
    update = baseline.updated({"m.onnx": {"params": 1}}, [known()], loosen=True)
    assert (models(update)["m.onnx"]["params"], update.kept) == (2304, ())


def test_models_that_were_not_checked_keep_their_numbers_and_come_in_order():
    update = baseline.updated({"z": {"macs": 1}, "a": {"macs": 2}}, [known()])
    assert list(models(update)) == ["a", "m.onnx", "z"]
    assert models(update)["z"] == {"macs": 1}


def test_a_lower_bound_is_not_stored():
    assert "macs" not in models(baseline.updated({}, [partly_known()]))["m.onnx"]


def test_a_model_that_is_not_in_it_has_no_facts():
    assert baseline.facts({}, "m.onnx") is None
    found = baseline.facts({"m.onnx": {"macs": 3, "separable-macs": 2}}, "m.onnx")
    assert found is not None
    assert found.values["separable-headroom"] == Fraction(3, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "not a baseline"),
        ('{"schema": "sepcost/analyze/1"}', "not a baseline"),
        ('{"schema": "sepcost/baseline/1", "models": []}', '"models" is not a table'),
        ('{"schema": "sepcost/baseline/1", "models": {"m": 1}}', "expected numbers by metric"),
        ('{"schema": "sepcost/baseline/1", "models": {"m": {"mac": 1}}}', "did you mean 'macs'?"),
        ('{"schema": "sepcost/baseline/1", "models": {"m": {"macs": -1}}}', "not -1"),
        ('{"schema": "sepcost/baseline/1", "models": {"m": {"macs": 1.5}}}', "not 1.5"),
        ('{"schema": "sepcost/baseline/1", "models": {"m": {"macs": true}}}', "not true"),
    ],
)
def test_a_broken_file_is_reported_with_its_name(tmp_path, text, message):
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(BudgetError) as caught:
        baseline.read(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_missing_file_says_how_to_write_it(tmp_path):
    with pytest.raises(BudgetError, match="sepcost check --update"):
        baseline.read(tmp_path / "none.json")
