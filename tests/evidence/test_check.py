"""The route of check, with a fake measurement instead of ONNX Runtime."""

import json
from functools import partial
from pathlib import Path

import pytest

import sepcost
from sepcost import analyze
from sepcost.budget.flags import given
from sepcost.budget.results import Reading, Status
from sepcost.errors import BudgetError, MeasurementError
from sepcost.evidence.check import Question, check
from sepcost.model import spec
from tests.cli import models
from tests.evidence.repository import commit, init

MOBILENET = 568_740_352


def never(request):
    raise AssertionError(f"measured {request}")


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def ask(*sources, measuring=never, **question):
    budgets = given(question.pop("budgets", {}))
    return check(Question(sources, budgets=budgets, **question), analyze, measuring)


def configured(text):
    Path("sepcost.toml").write_text(text)


def statuses(found):
    return {verdict.metric: verdict.status.value for verdict in found.verdicts}


def test_a_shipped_network_against_the_paper():
    assert ask("mobilenet-v1", budgets={"macs": str(MOBILENET)}).ok
    assert not ask("mobilenet-v1", budgets={"macs": str(MOBILENET - 1)}).ok


def test_python_gives_the_same_answer():
    found = sepcost.check("mobilenet-v1", budgets={"macs": MOBILENET - 1})
    assert (found.ok, found.status) == (False, Status.FAIL)
    assert found.verdicts[0].actual == MOBILENET


def test_the_same_inputs_give_the_same_result(work):
    models.conv(work)
    configured('[budgets."*.onnx"]\nmacs = 1\nper-layer = { macs = "1 %" }')
    assert ask() == ask()


def test_against_a_revision_the_change_is_named(work):
    init(work)
    models.save(work, "g (float[1, 4] x) => (float[1, 4] y) { y = Relu (x) }")
    configured('baseline = "git:main"\n[budgets."*.onnx"]\nelementwise-ops-vs-baseline = "+0 %"')
    commit(work)
    assert ask().ok
    models.save(work, "g (float[1, 4] x) => (float[1, 4] z) { y = Relu (x)  z = Tanh (y) }")
    (verdict,) = ask().verdicts
    assert verdict.status is Status.FAIL
    assert [(c.op_type, c.change) for c in verdict.causes] == [("Tanh", "added")]


def test_a_model_that_the_revision_lacks_warns(work):
    init(work)
    configured('baseline = "git:main"\n[defaults]\nmacs-vs-baseline = "+0 %"\nmacs = "1 M"')
    commit(work)
    found = ask(models.conv(work))
    assert statuses(found) == {"macs-vs-baseline": "warn", "macs": "ok"}
    assert found.ok


BROKEN = "git:HEAD:m.onnx: truncated, or not an ONNX model"


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ("macs-vs-baseline", "baseline git:HEAD: truncated, or not an ONNX model"),
        ("file-size-vs-baseline", BROKEN),
    ],
)
def test_a_baseline_that_is_broken_at_the_revision_is_called_as_it_is_there(work, budget, message):
    init(work)
    path = models.conv(work)
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[:50])
    commit(work)
    Path(path).write_bytes(whole)
    found = ask(path, baseline="git:HEAD", budgets={budget: "+0 %"})
    assert found.faults[0].message.startswith(message)
    assert found.verdicts[0].detail.startswith(message)


def test_a_spec_that_is_broken_at_the_revision_is_called_as_it_is_there(work):
    init(work)
    Path("net.toml").write_text("[model]\n")
    commit(work)
    Path("net.toml").write_bytes(spec.find("small-cnn").read_bytes())
    found = ask("net.toml", baseline="git:HEAD", budgets={"macs-vs-baseline": "+0 %"})
    assert found.faults[0].message.startswith("baseline git:HEAD:net.toml:1: model: unknown key")


def test_a_baseline_that_does_not_run_is_called_as_the_user_calls_it(work):
    def measuring(request):
        raise MeasurementError(f"{request.sources[0]}: cannot run it")

    init(work)
    path = models.conv(work)
    commit(work)
    budgets = {"latency-vs-baseline": "+5 %"}
    found = ask(path, baseline="git:HEAD", budgets=budgets, measuring=measuring)
    assert found.faults[0].message == "git:HEAD:m.onnx: cannot run it"


def test_numbers_of_a_file_are_enough_and_only_tighten(work):
    path = models.conv(work)
    configured('baseline = "b.json"\n[budgets."*.onnx"]\nmacs-vs-baseline = "+0 %"')
    with pytest.raises(BudgetError, match=r"b\.json: does not exist; write it with"):
        ask()
    written = ask(update=True)
    assert written.ok
    assert not Path("b.json").exists()  # the caller writes it
    Path("b.json").write_text(written.baseline.text)
    assert ask().ok
    weights = json.loads(written.baseline.text)
    weights["models"]["m.onnx"]["macs"] -= 1
    Path("b.json").write_text(json.dumps(weights))
    assert not ask().ok
    assert not ask(update=True).ok
    assert ask(update=True).baseline.kept == ("m.onnx: macs",)
    assert ask(update=True, loosen=True).ok
    assert ask(path, exact_only=True).verdicts[0].status is Status.FAIL


def test_a_model_that_is_not_in_the_file_is_unknown(work):
    Path("b.json").write_text('{"schema": "sepcost/baseline/1", "models": {}}')
    found = ask(models.conv(work), baseline="b.json", budgets={"macs-vs-baseline": "+0 %"})
    assert statuses(found) == {"macs-vs-baseline": "unknown"}
    assert not found.ok


def test_another_model_is_a_baseline(work):
    (work / "old").mkdir()
    models.conv(work / "old")
    found = ask(models.conv(work), baseline="old/m.onnx", budgets={"macs-vs-baseline": "+0 %"})
    assert found.ok


@pytest.mark.parametrize(
    ("budget", "baseline", "message"),
    [
        (
            {"macs-vs-baseline": "+0 %"},
            None,
            "macs-vs-baseline: needs a baseline; give --baseline",
        ),
        ({"latency-vs-baseline": "+5 %"}, "b.json", "needs a baseline model"),
        ({"macs-vs-baseline": "+0 %"}, "git:main", "not in a git repository"),
    ],
)
def test_an_unavailable_baseline_is_an_error(work, budget, baseline, message):
    with pytest.raises(sepcost.SepcostError, match=message):
        ask(models.conv(work), baseline=baseline, budgets=budget)


@pytest.mark.parametrize(
    ("budgets", "options", "message"),
    [
        (
            {"macs-vs-baseline": "+0 %"},
            {},
            "macs-vs-baseline: needs a baseline; give --baseline git:origin/main, a model or a "
            "JSON file written by --update",
        ),
        (  # a file of numbers would suffice for the first budget only
            {"macs-vs-baseline": "+0 %", "latency-vs-baseline": "+5 %"},
            {},
            "latency-vs-baseline: needs a baseline; give --baseline git:origin/main or a model",
        ),
        (
            {"min-top1-agreement": "99 %"},
            {"baseline": "b.json"},
            "min-top1-agreement: needs a baseline model, but 'b.json' contains only numbers; give "
            "--baseline git:origin/main or a model",
        ),
    ],
)
def test_only_a_baseline_that_fits_is_advised(work, budgets, options, message):
    with pytest.raises(BudgetError) as caught:
        ask(models.conv(work), budgets=budgets, **options)
    assert str(caught.value) == message


def test_a_baseline_is_advised_where_the_budget_is_set(work):
    models.conv(work)
    configured('[budgets."*.onnx"]\nlatency-vs-baseline = "+5 %"')
    with pytest.raises(BudgetError) as caught:
        ask()
    assert str(caught.value) == (
        "sepcost.toml:2: latency-vs-baseline: needs a baseline; set baseline to git:origin/main or "
        "a model"
    )


def test_a_revision_is_no_baseline_of_a_shipped_network():
    with pytest.raises(BudgetError, match=r"give --baseline a model$"):
        ask("small-cnn", budgets={"latency-vs-baseline": "+5 %"})


def test_a_model_that_cannot_be_read_or_bound_leaves_the_others_judged(work):
    models.conv(work, "a.onnx")
    models.save(work, "g (float[1, 3, H, 8] x) => (float[1, 3, H, 8] y) { y = Relu (x) }", "b.onnx")
    Path("c.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    models.conv(work, "d.onnx")
    configured('[budgets."*.onnx"]\nmacs = 1\nparams = "1 M"')
    found = ask(jobs=1)
    assert {(v.model, v.metric, v.status.value) for v in found.verdicts} == {
        ("a.onnx", "macs", "fail"), ("a.onnx", "params", "ok"), ("b.onnx", "model", "error"),
        ("c.onnx", "model", "error"), ("d.onnx", "macs", "fail"), ("d.onnx", "params", "ok"),
    }  # fmt: skip
    assert [fault.model for fault in found.faults] == ["b.onnx", "c.onnx"]
    assert found.faults[1].message.startswith("a Git LFS pointer")
    assert (found.status, found.ok, found.exit_code) == (Status.ERROR, False, 2)
    assert all(verdict.breaks for verdict in found.verdicts if verdict.metric == "model")
    assert not ask(allow_unknown=True).ok


def test_an_unreadable_baseline_is_an_error_of_the_model_compared_with_it(work):
    budgets = {"macs-vs-baseline": "+0 %", "params": "1 M"}
    found = ask(models.conv(work), baseline="gone.onnx", budgets=budgets)
    assert statuses(found) == {"macs-vs-baseline": "error", "params": "ok"}
    assert found.faults[0].message.startswith("baseline ")
    assert "gone.onnx" in found.verdicts[0].detail or "No such file" in found.verdicts[0].detail
    assert found.exit_code == 2
    assert ask(models.conv(work), baseline="gone.onnx", budgets={"params": "1 M"}).ok


def test_a_measurement_that_fails_leaves_what_was_counted(work):
    def measuring(request):
        raise MeasurementError(f"{request.sources[-1]}: it crashed")

    budgets = {"latency": "1 ms", "macs": 1}
    found = ask(models.conv(work), budgets=budgets, measuring=measuring)
    assert statuses(found) == {"latency": "error", "macs": "fail"}
    assert (found.verdicts[0].detail, found.exit_code) == ("it crashed", 3)


def test_an_update_keeps_the_numbers_of_an_unreadable_model(work):
    models.conv(work, "a.onnx")
    Path("b.onnx").write_bytes(b"broken")
    stored = {"schema": "sepcost/baseline/1", "models": {"b.onnx": {"macs": 7}}}
    Path("b.json").write_text(json.dumps(stored))
    configured('baseline = "b.json"\n[budgets."*.onnx"]\nmacs-vs-baseline = "+0 %"')
    found = ask(update=True)
    written = json.loads(found.baseline.text)["models"]
    assert (written["b.onnx"], written["a.onnx"]["macs"]) == ({"macs": 7}, 18432)
    assert found.exit_code == 2


def test_only_what_a_budget_asks_for_is_measured(work):
    path, asked = models.conv(work), []

    def measuring(request):
        asked.append(request)
        return {"latency": Reading(1e6, 1e6, 1e6), "latency-vs-baseline": Reading(1.0, 1.0, 1.0)}

    configured('provider = "openvino"\nthreads = 2')
    budgets = {"latency": "1 ms"}
    assert ask(path, budgets=budgets, baseline="mobilenet-v1", measuring=measuring).ok
    budgets |= {"latency-vs-baseline": "+5 %"}
    assert ask(path, budgets=budgets, baseline="mobilenet-v1", measuring=measuring).ok
    assert [list(request.sources) for request in asked] == [[path], ["mobilenet-v1", path]]
    assert {(request.provider, request.threads) for request in asked} == {("openvino", 2)}
    assert not ask(path, budgets=budgets, exact_only=True).verdicts


def test_unknown_can_be_allowed_for_one_model(work):
    models.unknown(work)
    configured('[budgets."unknown.onnx"]\nmacs = 1\nallow-unknown = true')
    assert ask().ok
    assert not ask(allow_unknown=False).ok


def test_an_update_needs_a_file_of_numbers(work):
    with pytest.raises(BudgetError, match="--update writes a JSON file"):
        ask(models.conv(work), budgets={"macs": 1}, baseline="git:main", update=True)


def test_a_baseline_without_a_name_gets_the_default_one(work):
    found = ask(models.conv(work), budgets={"macs-vs-baseline": "+0 %"}, update=True)
    assert found.ok
    assert found.baseline.path == "sepcost-baseline.json"
    assert found.notes == ('to use it in later checks, set baseline = "sepcost-baseline.json"',)


def test_a_broken_file_of_numbers_is_not_overwritten_by_accident(work):
    Path("b.json").write_text("{")
    question = partial(ask, models.conv(work), budgets={"macs": "1 M"}, baseline="b.json")
    with pytest.raises(BudgetError, match="not valid JSON"):
        question(update=True)
    assert "18432" in question(update=True, loosen=True).baseline.text
