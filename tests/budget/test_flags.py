"""Budgets on the command line read like those of the file."""

import pytest

from sepcost.budget.flags import given, written
from sepcost.errors import BudgetError


def test_a_short_form_reads_as_in_the_file():
    table = written(
        ["macs=600M", "forbid-ops=Loop,If", "per-layer.macs=20%", "per-layer.params=1 M"]
    )
    assert table == {
        "macs": "600M", "forbid-ops": ["Loop", "If"],
        "per-layer": {"macs": "20%", "params": "1 M"},
    }  # fmt: skip
    assert [budget.name for budget in given(table)] == [
        "macs", "forbid-ops", "per-layer.macs", "per-layer.params"
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["macs", "=600M", "macs=", " = "])
def test_other_forms_are_refused(text):
    with pytest.raises(BudgetError, match="expected METRIC=VALUE"):
        written([text])


def test_faults_name_the_metric():
    with pytest.raises(BudgetError, match="given twice"):
        written(["macs=1", "macs=2"])
    with pytest.raises(BudgetError, match=r"budget mcas: unknown metric; did you mean 'macs'\?"):
        given({"mcas": 1})
    with pytest.raises(BudgetError, match="budget macs: '1 Q' has an unknown unit"):
        given({"macs": "1 Q"})
