"""Options of the fits to data."""

from __future__ import annotations

import pytest

from sepcost.separable.session import open_session
from sepcost.separable.settings import Aim, ConvertSettings, Goal, Wanted
from sepcost.separable.watch import Watch
from tests.separable import networks


@pytest.mark.parametrize(("samples", "ridge"), [(2000, 0.01), (400, 0.025), (80, 0.1)])
def test_fits_to_few_samples_stay_nearer_to_the_weights(tmp_path, samples, ridge):
    """A quarter of the samples is held out."""
    networks.classifier(tmp_path)
    asked = ConvertSettings(Goal(Aim.RANK, 1), calibrate=networks.data(tmp_path, samples))
    session = open_session(tmp_path / "net.onnx", asked, Wanted(), Watch())
    (one, *_) = session.candidates.eligible
    assert session.fitter.options(one, 20, 5).ridge == pytest.approx(ridge, rel=0.01)
