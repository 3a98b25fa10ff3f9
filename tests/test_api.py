"""The public names, and the path from a source to its analysis."""

import inspect
import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

import sepcost
from tests.cli import models
from tests.evidence import repository
from tests.separable import networks


def test_every_public_name_is_there():
    assert dir(sepcost) == sorted(set(sepcost.__all__))
    assert all(getattr(sepcost, name) is not None for name in sepcost.__all__)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sepcost.nothing


def test_analyze_binds_by_symbol_or_shape(tmp_path):
    path = models.dynamic(tmp_path)
    assert sepcost.analyze(path, bind={"N": 8}).totals.macs == 64
    assert sepcost.analyze(path, shape={"x": (8, 4)}).totals.macs == 64


def test_a_sweep_is_the_same_as_one_by_one(tmp_path):
    path = models.dynamic(tmp_path)
    swept = sepcost.sweep(path, [{"N": size} for size in (1, 2, 3)])
    assert [found.totals for found in swept] == [
        sepcost.analyze(path, bind={"N": size}).totals for size in (1, 2, 3)
    ]


def test_users_add_operators(tmp_path):
    path = models.unknown(tmp_path)
    assert not sepcost.analyze(path).coverage.complete
    table = {**sepcost.OPERATORS, ("com.acme", "Mystery"): lambda layer: 7}
    found = sepcost.analyze(path, operators=table)
    assert found.totals.macs == 7
    assert found.coverage.complete


def test_the_analysis_converts_to_its_document(tmp_path):
    found = sepcost.analyze(models.conv(tmp_path)).to_dict()
    assert found["models"][0]["totals"]["macs"] == 18432


def test_bad_input_is_a_sepcost_error(tmp_path):
    with pytest.raises(sepcost.SepcostError):
        sepcost.analyze(tmp_path / "nothing.onnx")


def test_observing_fills_in_what_depends_on_data(tmp_path):
    # NonZero of a full matrix has 2·3 columns, known only from a run; 6 rows times 2·4
    path = models.save(
        tmp_path,
        """g (float[2, 3] x) => (float[k, 4] y) <float[2, 4] w = {1, 1, 1, 1, 1, 1, 1, 1}> {
          i = NonZero (x)  t = Transpose (i)  c = Cast <to = 1> (t)  y = MatMul (c, w)
        }""",
    )
    assert not sepcost.analyze(path).coverage.complete
    found = sepcost.analyze(path, observe=True)
    assert found.coverage.complete
    assert found.totals.macs == 6 * 2 * 4


class TestPlanAndApply:
    """Conversion in two steps, between which the user may change the plan."""

    goal = sepcost.ConvertSettings(sepcost.Goal(sepcost.Aim.RANK, 1))

    def test_together_they_are_convert(self, tmp_path):
        whole = sepcost.convert("small-cnn", tmp_path / "a.onnx", settings=self.goal, force=True)
        (path,) = sepcost.apply(
            "small-cnn", sepcost.plan("small-cnn", settings=self.goal), tmp_path / "b.onnx"
        )
        assert path.read_bytes() == whole.written[0].read_bytes()

    def test_a_plan_can_be_thinned(self, tmp_path):
        planned = sepcost.plan("small-cnn", settings=self.goal)
        thinner = replace(planned, choices=planned.choices[:1])
        (path,) = sepcost.apply("small-cnn", thinner, tmp_path / "thin.onnx")
        found = sepcost.analyze(path).totals.macs
        assert planned.predicted.macs < found < sepcost.analyze("small-cnn").totals.macs

    def test_a_plan_for_another_model_is_refused(self, tmp_path):
        planned = sepcost.plan("small-cnn", settings=self.goal)
        with pytest.raises(sepcost.ConversionError, match="conv"):
            sepcost.apply("vgg16", planned, tmp_path / "other.onnx")
        assert not list(tmp_path.iterdir())

    def test_an_existing_file_stays(self, tmp_path):
        planned = sepcost.plan("small-cnn", settings=self.goal)
        target = tmp_path / "there.onnx"
        target.write_text("mine")
        with pytest.raises(sepcost.ConversionError, match="force"):
            sepcost.apply("small-cnn", planned, target)
        assert target.read_text() == "mine"


def test_a_goal_can_be_called_by_its_name():
    assert sepcost.Goal(cast("sepcost.Aim", "speedup"), 2) == sepcost.Goal(sepcost.Aim.SPEEDUP, 2)
    with pytest.raises(sepcost.ConversionError, match="choose from rank, max-error"):
        sepcost.Goal(cast("sepcost.Aim", "fastest"), 1)


class TestSizes:
    """``bind`` and ``shape`` are arguments of every function that reads a model."""

    #: Those that take more: names in a shape, ranges of sizes.
    wider = frozenset({("analyze", "shape"), ("check", "bind")})

    @pytest.mark.parametrize("name", ["analyze", "bench", "check", "convert", "diff", "plan"])
    def test_they_are_keywords_of_the_same_kind(self, name):
        parameters = inspect.signature(getattr(sepcost, name)).parameters
        reference = inspect.signature(sepcost.bench).parameters
        for size in ("bind", "shape"):
            kind = parameters[size]
            if (name, size) in self.wider:
                kind = kind.replace(annotation=reference[size].annotation)
            assert kind == reference[size]

    def test_they_reach_a_budget(self, tmp_path):
        path = models.dynamic(tmp_path)
        assert sepcost.check(path, budgets={"macs": 64}, bind={"N": 8}).ok
        assert not sepcost.check(path, budgets={"macs": 64}, shape={"x": (9, 4)}).ok

    def test_they_reach_a_conversion(self, tmp_path):
        networks.classifier(tmp_path)
        goal = sepcost.ConvertSettings(sepcost.Goal(sepcost.Aim.RANK, 1), verify=False)
        path = tmp_path / "net.onnx"
        one, two = (sepcost.convert(path, bind={"N": n}, settings=goal) for n in (1, 2))
        assert 2 * one.after.totals.macs == two.after.totals.macs
        assert sepcost.plan(path, bind={"N": 2}, settings=goal).predicted == two.plan.predicted


def test_a_path_may_be_text(tmp_path):
    networks.classifier(tmp_path)
    model, data = tmp_path / "net.onnx", networks.data(tmp_path)
    goal = sepcost.Goal(sepcost.Aim.RANK, 1)
    for calibrate in (data, str(data)):
        settings = sepcost.ConvertSettings(goal, calibrate=calibrate, verify=False)
        assert sepcost.convert(model, settings=settings).inputs == "calibration"


@pytest.mark.parametrize("kind", [str, Path])
def test_inputs_may_be_text(tmp_path, kind):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.ones((1, 8, 4, 4), np.float32))
    model, goal = models.conv(tmp_path), sepcost.Goal(sepcost.Aim.RANK, 1)
    settings = sepcost.ConvertSettings(goal, inputs=kind(path), verify=False)
    assert sepcost.convert(model, settings=settings, frontier=True).inputs == "given"
    quick = sepcost.Settings(max_time_s=0.1, max_launches=1, min_launches=1, inputs=kind(path))
    assert sepcost.bench(model, settings=quick).models[0].runs > 0


def test_an_unknown_provider_is_refused_even_if_nothing_runs():
    settings = sepcost.ConvertSettings(
        sepcost.Goal(sepcost.Aim.RANK, 1), runtime=sepcost.Runtime(("cdua",)), verify=False
    )
    with pytest.raises(sepcost.ConversionError, match="did you mean 'cuda'"):
        sepcost.convert("small-cnn", settings=settings)


def test_a_model_is_compared_with_itself_at_a_revision(tmp_path):
    repository.init(tmp_path)
    models.conv(tmp_path)
    repository.commit(tmp_path)
    path = models.save(tmp_path, "g (float[1, 4] x) => (float[1, 4] y) { y = Relu (x) }")
    found = sepcost.diff("git:HEAD", path)
    assert (found.old.source, found.new.source) == ("git:HEAD", path)
    assert found.total("macs") == (18432, 0)
    with pytest.raises(sepcost.SepcostError, match="needs the path"):
        sepcost.diff("git:HEAD", sepcost.analyze(path))


def test_the_caller_writes_an_updated_baseline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = sepcost.check(models.conv(tmp_path), budgets={"macs-vs-baseline": "+0 %"}, update=True)
    assert found.ok
    assert found.baseline is not None
    assert json.loads(found.baseline.text)["models"]["m.onnx"]["macs"] == 18432
    assert not (tmp_path / found.baseline.path).exists()


def test_a_model_is_loaded_separated_and_saved(tmp_path):
    settings = sepcost.ConvertSettings(sepcost.Goal(sepcost.Aim.RANK, 1))
    planned = sepcost.plan("small-cnn", settings=settings)
    model = sepcost.separate(sepcost.load("small-cnn", weights=True), planned.choices)
    (path,) = sepcost.save(model, tmp_path / "thin.onnx")
    assert sepcost.analyze(path).totals.macs == planned.predicted.macs


def test_networks_and_providers_are_listed():
    assert "small-cnn" in [info.name for info in sepcost.networks()]
    assert "cpu" in [info.name for info in sepcost.providers() if info.usable]


@pytest.mark.parametrize("format_", ["table", "json", "csv", "markdown", "html", "netron"])
def test_a_result_is_written_in_the_formats_of_its_command(format_, tmp_path):
    found = sepcost.analyze(models.conv(tmp_path))
    text = sepcost.render(found, format_)
    assert text == sepcost.render([found], format_)
    assert "18" in text


def test_results_of_other_commands_are_written_too():
    compared = sepcost.diff("small-cnn", "small-cnn")
    assert "unchanged" in sepcost.render(compared)
    checked = sepcost.check("small-cnn", budgets={"macs": "1 M"})
    assert "<testsuites" in sepcost.render(checked, "junit")
    with pytest.raises(sepcost.SepcostError, match="diff has no format 'junit'; choose from t"):
        sepcost.render(compared, "junit")
