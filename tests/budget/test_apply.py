"""Which budgets apply to which model."""

import pytest

from sepcost.budget.apply import targets
from sepcost.budget.config import read
from sepcost.budget.flags import given
from sepcost.errors import BudgetError

CONFIG = """
allow-unknown = true
[defaults]
macs = 1
[budgets."models/*.onnx"]
macs = 2
params = 2
[budgets."models/b*.onnx"]
params = 3
[budgets."models/b.onnx"]
macs = 4
bind = { N = 4 }
[budgets."models/bb.onnx"]
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    for name in ("b", "a", "bb"):
        (tmp_path / "models" / f"{name}.onnx").write_bytes(b"x")
    (tmp_path / "sepcost.toml").write_text(CONFIG)
    return read(tmp_path / "sepcost.toml")


def limits(target):
    return {budget.metric: int(budget.limit) for budget in target.budgets}


def test_the_nearer_budget_wins_metric_by_metric(config):
    found = {target.name: target for target in targets(config)}
    assert {name: limits(target) for name, target in found.items()} == {
        "models/a.onnx": {"macs": 2, "params": 2},
        "models/b.onnx": {"macs": 4, "params": 3},
        "models/bb.onnx": {"macs": 2, "params": 3},
    }
    assert found["models/b.onnx"].options == {
        "bind": {"N": 4}, "baseline": None, "allow-unknown": True
    }  # fmt: skip


def test_models_come_in_the_order_of_their_paths(config):
    assert [t.name for t in targets(config)] == ["models/a.onnx", "models/b.onnx", "models/bb.onnx"]


def test_the_command_line_wins_over_all(config):
    (found,) = targets(config, ["models/b.onnx"], given({"macs": 9}))
    assert limits(found) == {"macs": 9, "params": 3}


def test_a_model_is_the_same_from_any_folder(config, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path / "models")
    (found,) = targets(config, ["b.onnx"])
    assert (found.name, found.source, limits(found)["macs"]) == ("models/b.onnx", "b.onnx", 4)
    assert targets(config)[0].source == "a.onnx"


def test_a_model_without_its_own_budgets_takes_the_defaults(config):
    (found,) = targets(config, ["mobilenet-v1"])
    assert limits(found) == {"macs": 1}


@pytest.mark.parametrize("pattern", ["*.onnx", "gone.onnx", "models/gone", "**/*"])
def test_a_path_that_matches_nothing_is_an_error(tmp_path, pattern):
    folder = tmp_path / "empty"
    folder.mkdir()
    (tmp_path / "other.toml").write_text(f'[budgets."empty/{pattern}"]\nmacs = 1')
    with pytest.raises(BudgetError) as caught:
        targets(read(tmp_path / "other.toml"))
    assert str(caught.value).startswith(f"other.toml:1: 'empty/{pattern}' matches no file")


def test_a_shipped_network_is_not_a_file(tmp_path):
    (tmp_path / "sepcost.toml").write_text("[budgets.mobilenet-v1]\nmacs = 1")
    (found,) = targets(read(tmp_path / "sepcost.toml"))
    assert (found.name, found.source) == ("mobilenet-v1", "mobilenet-v1")


def test_a_model_without_any_budget_is_an_error(tmp_path):
    (tmp_path / "sepcost.toml").write_text("")
    config = read(tmp_path / "sepcost.toml")
    (tmp_path / "m.onnx").touch()
    with pytest.raises(BudgetError, match=r"m\.onnx: no budget"):
        targets(config, [str(tmp_path / "m.onnx")])
    with pytest.raises(BudgetError, match=r"nope\.onnx: No such file or directory"):
        targets(config, ["nope.onnx"])
    with pytest.raises(BudgetError, match="no model to check"):
        targets(config)
