"""Valid configurations, and errors of wrong ones."""

from pathlib import Path

import pytest

from sepcost.budget.config import find, read
from sepcost.budget.results import Bound, Level
from sepcost.errors import BudgetError

EXAMPLE = """
[tool.sepcost]
provider = "cpu"
threads = 1

[tool.sepcost.budgets."models/detector*.onnx"]
bind = { N = 1, H = 320, W = 320 }
macs = "600 M"
params = "2.5 M"
file-size = "10 MB"
peak-activations = "8 MB"
separable-headroom = "2x"
macs-vs-baseline = "+0 %"
latency = { max = "12 ms", level = "warn" }
latency-vs-baseline = "+5 %"
peak-memory = "64 MB"
max-output-error = 1e-3
nodes-on-provider = "100 %"
forbid-ops = ["Loop", "NonMaxSuppression"]
per-layer = { macs = "20 %" }
"""


def config(folder, text, name="sepcost.toml"):
    path = folder / name
    path.write_text(text)
    return read(path)


def refused(folder, text, name="sepcost.toml"):
    with pytest.raises(BudgetError) as caught:
        config(folder, text, name)
    return str(caught.value)


def test_the_example_is_read_whole_with_its_lines(tmp_path):
    found = config(tmp_path, EXAMPLE, "pyproject.toml")
    entry = found.entries[-1]
    assert entry.pattern == "models/detector*.onnx"
    assert entry.options == {"bind": {"N": 1, "H": 320, "W": 320}}
    assert {b.name: b.location.line for b in entry.budgets} == {
        "macs": 8, "params": 9, "file-size": 10, "peak-activations": 11, "separable-headroom": 12,
        "macs-vs-baseline": 13, "latency": 14, "latency-vs-baseline": 15, "peak-memory": 16,
        "max-output-error": 17, "nodes-on-provider": 18, "forbid-ops": 19, "per-layer.macs": 20,
    }  # fmt: skip
    bounds = {b.name: (b.bound, b.level) for b in entry.budgets}
    assert bounds["latency"] == (Bound.MAX, Level.WARN)
    assert bounds["nodes-on-provider"] == (Bound.MIN, Level.ERROR)


def test_a_metric_can_have_both_limits(tmp_path):
    text = '[defaults]\nlayers = { min = 2, max = 9 }\nlevel = "warn"'
    budgets = config(tmp_path, text).entries[-1].budgets
    assert {(b.bound.value, b.limit, b.level.value) for b in budgets} == {
        ("max", 9, "warn"), ("min", 2, "warn")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("macs = 1", "sepcost.toml:1: macs: unknown key"),
        ("bugdets = {}", "sepcost.toml:1: bugdets: unknown key; did you mean 'budgets'?"),
        (
            "\n[defaults]\nmac = 1",
            "sepcost.toml:3: defaults.mac: unknown key; did you mean 'macs'?",
        ),
        ("[defaults]\npeak_activation_bytes = 1", "did you mean 'peak-activations'?"),
        ("[defaults]\nmacs_vs_baseline = '+1 %'", "did you mean 'macs-vs-baseline'?"),
        (
            "[defaults]\nlatency = '12 sec'",
            "sepcost.toml:2: defaults.latency: '12 sec' has an unknown unit",
        ),
        ("[defaults]\nlatency = 12", "12 has no unit; expected a time such as '12 ms'"),
        ("[defaults]\nlatency = { most = '1 ms' }", "defaults.latency.most: unknown key"),
        (
            "[defaults]\nlatency = { level = 'warn' }",
            "no limit in the table; write { max = ... }",
        ),
        ("[defaults]\nmacs = { max = 1, level = 'wran' }", "did you mean 'warn'?"),
        ("[defaults]\nlatency-vs-baseline = '5 %'", "write '+5 %'"),
        ("[defaults]\nlatency-vs-baseline = '+5 ms'", "'+5 ms' is not a ratio"),
        ("[defaults]\nlatency-vs-baseline = '1 ms'", "'1 ms' is not a ratio; expected '+5%' or"),
        ("[defaults]\nnodes-on-provider = 100", "write '100%' for all"),
        ("[defaults]\nforbid-ops = 'Loop'", "expected a list"),
        ("[defaults]\nforbid-ops = []", "expected a list"),
        ("[defaults]\nforbid-ops = [\n'Loop',\n3]", "sepcost.toml:4: defaults.forbid-ops.1"),
        ("[defaults]\nper-layer = '20 %'", "expected a table"),
        ("[defaults]\nper-layer = { mcas = '20 %' }", "did you mean 'macs'?"),
        ("[defaults]\nbind = { N = 0 }", "a positive integer"),
        ("[defaults]\nallow-unknown = 1", "expected true or false"),
        ("threads = -1", "an integer of at least 0"),
        ("provider = 'cpo'", "did you mean 'cpu'?"),
        ("inconclusive = 'pass'", "expected one of 'warn', 'fail', 'ok'"),
        ("baseline = ''", "expected text"),
        ("budgets = 3", "sepcost.toml:1: budgets: expected a table, not 3"),
        ("[budgets.'']\nmacs = 1", "the path is empty"),
        ("threads = " + "9" * 5000, "sepcost.toml:1: not valid TOML"),
        ("x = ", "sepcost.toml:1: not valid TOML"),
        ("a = 1\nb = 'unclosed", "sepcost.toml:2: not valid TOML"),
    ],
)
def test_an_error_names_file_line_key_and_remedy(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    error = refused(tmp_path, text)
    assert message in error
    assert error.startswith("sepcost.toml:")
    assert "\n" not in error


def test_a_named_pyproject_must_contain_the_table(tmp_path):
    assert "no [tool.sepcost] table" in refused(tmp_path, "[project]", "pyproject.toml")


def test_bytes_that_are_not_text_are_refused(tmp_path):
    path = tmp_path / "sepcost.toml"
    path.write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(BudgetError, match=r"sepcost\.toml:2: not UTF-8"):
        read(path)
    with pytest.raises(BudgetError, match="No such file"):
        read(tmp_path / "nothing.toml")


def test_the_nearest_configuration_upwards_applies(tmp_path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "sepcost.toml").write_text("")
    (deep / "pyproject.toml").write_text("[project]")  # belongs to another tool
    assert find(deep) == tmp_path / "sepcost.toml"
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.sepcost]\nthreads = 1")
    assert find(deep) == tmp_path / "a" / "pyproject.toml"
    (tmp_path / "a" / "sepcost.toml").write_text("")
    assert find(deep) == tmp_path / "a" / "sepcost.toml"


def test_locations_count_from_the_top_of_the_work_tree(tmp_path):
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "sub"
    folder.mkdir()
    assert config(folder, "[defaults]\nmacs = 1").entries[-1].location.file == "sub/sepcost.toml"
    assert config(folder, "").folder == Path(folder)
