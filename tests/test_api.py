"""The public names, and the path from a source to its analysis."""

from dataclasses import replace
from typing import cast

import pytest

import sepcost
from tests.cli import models


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


def test_the_analysis_says_what_it_is_as_a_document(tmp_path):
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
        whole = sepcost.convert("small-cnn", tmp_path / "a.onnx", settings=self.goal)
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

    def test_a_file_that_is_there_stays(self, tmp_path):
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
