"""A small classifier at low rank, and what tuning it needs."""

from __future__ import annotations

from dataclasses import replace

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.model.load import load
from sepcost.separable.data.calibrate import declared, open_data
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.factors.kernels import Form
from sepcost.separable.find.candidates import candidates
from sepcost.separable.find.context import context
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import Wish, reference
from sepcost.separable.tuning.tune import Task
from tests.separable import networks
from tests.separable.build import Chosen, first


def task(folder, *, form=Form.DEPTHWISE_POINTWISE, count=96, passes=640, **changes):
    """Both convolutions of the classifier, at rank 1."""
    networks.classifier(folder)
    loaded = load(folder / "net.onnx")
    network = describe(loaded, bind={"N": 1})
    chosen = [Chosen(one, first(one, form)) for one in candidates(loaded, network).eligible]
    if form is Form.POINTWISE_DEPTHWISE:
        chosen = [replace(one, form_emitted="pointwise-first") for one in chosen]
    data = open_data(networks.data(folder, count), declared(loaded), ImageFormat())
    answers = reference(["y"], runner(loaded, Runtime()), data.batches(), Wish())
    made = Task(
        context(loaded, network), chosen, data, answers.parts, {"bind": {"N": 1}}, 3e-3, passes
    )
    return replace(made, **changes)
