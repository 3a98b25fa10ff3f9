"""What the steps of tuning need: the original as teacher, samples, sessions, coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.cost.geometry import convolution
from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.network import Layer, Network
from sepcost.separable.data.moments import PatchStream
from sepcost.separable.data.samples import Calibration, Feeds
from sepcost.separable.find.context import Context
from sepcost.separable.find.context import context as lookups
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.backward.tape import FLOATS
from sepcost.separable.runs.output_loss import Run
from sepcost.separable.tuning.coordinates import Coordinates, coordinates
from sepcost.separable.tuning.graphs import Graphs, graphs
from sepcost.separable.tuning.pool import Pool, pool
from sepcost.separable.tuning.steps import Stepper, stepper
from sepcost.separable.tuning.student import Student

PART = 8  # samples of a run, at most
RUN_BYTES = 1 << 28  # of activations for one run
SAMPLES = (32, 256)  # to whiten on: fewest, most
SHARE = 16  # one sample to whiten on for this many passes
POSITIONS = 24  # of each of these
#: What the relative error of features counts against the loss of the outputs: there is far more to
#: learn from them, so that few samples are not learnt by heart.
FEATURES = 5.0

#: Operators after which a feature is taken, if nothing else reads their input.
FOLLOWING = frozenset({
    "BatchNormalization", "Relu", "Clip", "LeakyRelu", "PRelu", "Elu", "HardSwish", "Sigmoid",
    "HardSigmoid", "Tanh", "Gelu", "Mish", "Softplus",
})  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A student with everything that its steps need."""

    student: Student
    layers: Sequence[Layer]  # of the student
    stepper: Stepper
    teacher: Run
    pool: Pool
    scales: Mapping[str, float]  # of the features, for one sample
    rows: int  # samples of a run

    def answers(self, feeds: Feeds) -> dict[str, NDArray[Any]]:
        """The original's outputs and features."""
        made = self.stepper.graphs
        return dict(zip((*made.outputs, *made.features), self.teacher(feeds), strict=True))


def lesson(
    made: Student,
    original: Context,
    data: Calibration,
    sizes: Mapping[str, Any],
    random: np.random.Generator,
) -> Lesson | None:
    """Open all sessions; None if gradients reach no weight.

    Parameters
    ----------
    made
        The student.
    original
        Of the model that it was made from.
    data
        Samples.
    sizes
        Arguments of ``describe``.
    random
        Draws the samples that features are measured on.

    Raises
    ------
    SepcostError
        ONNX Runtime cannot load or run a graph.
    """
    network = describe(made.loaded, **sizes)
    built = graphs(made, lookups(made.loaded, network), features(made, original, network))
    if not built.results:
        return None
    samples = pool(data)
    rows = _rows(data, built, network)
    teacher = runner(original.observed, Runtime(), [*built.outputs, *built.features])
    some = samples.draw(random.integers(len(samples), size=rows), random)
    values = teacher(some)[len(built.outputs) :]
    scales = {
        name: 2 * FEATURES / (len(built.features) * _size(value))
        for name, value in zip(built.features, values, strict=True)
    }
    steps = stepper(built, made, some)
    return Lesson(made, network.layers, steps, teacher, samples, scales, rows)


def whitened(opened: Lesson, random: np.random.Generator, passes: int) -> list[Coordinates]:
    """Coordinates of every weight reached, by what the first layer with it sees.

    Parameters
    ----------
    opened
        The lesson.
    random
        Draws the samples to whiten on.
    passes
        To come: the more, the more samples.
    """
    made, reached = opened.student, opened.stepper.graphs.results
    owners = {layer.reads[1]: layer for layer in reversed(opened.layers) if len(layer.reads) > 1}
    found = {name: owners[name] for name in made.weights if name in owners and name in reached}
    names = list(dict.fromkeys(n for one in found.values() for n in (one.reads[0], one.writes[0])))
    run = runner(made.loaded, Runtime(), names)
    shapes = {name: convolution(layer) for name, layer in found.items()}
    streams = {n: PatchStream(s, positions=POSITIONS) for n, s in shapes.items() if s is not None}
    fewest, most = SAMPLES
    for _ in range(max(1, min(max(fewest, passes // SHARE), most) // opened.rows)):
        chosen = random.integers(len(opened.pool), size=opened.rows)
        values = dict(zip(names, run(opened.pool.draw(chosen, random)), strict=True))
        for name, stream in streams.items():
            stream.add(values[found[name].reads[0]], values[found[name].writes[0]])
    moving = []
    for name, stream in streams.items():
        bias = next((one for one in found[name].reads[2:] if one in reached), None)
        shape = shapes[name]
        assert shape is not None
        moving.append(coordinates(name, bias, shape, made.weights, stream.finish()))
    return moving


def features(made: Student, original: Context, network: Network) -> list[str]:
    """Values after the converted layers that student and original share."""
    found = dict.fromkeys(_behind(original, part.candidate.layer.writes[0]) for part in made.parts)
    outputs = set(network.outputs)
    return [
        name
        for name in found
        if name not in outputs
        and all(
            name in one.values and one.values[name].dtype in FLOATS
            for one in (network, original.network)
        )
    ]


def _behind(original: Context, name: str) -> str:
    """The value after the normalisation and activation that follow a value."""
    while True:
        readers = original.readers.get(name, ())
        if len(readers) != 1 or readers[0].op_type not in FOLLOWING:
            return name
        name = readers[0].output[0]


def _rows(data: Calibration, built: Graphs, network: Network) -> int:
    """Samples per run that keep its memory within bounds."""
    if data.fixed or not data.stacked:
        return data.batch
    held = sum(network.values[name].elements or 1 for name in built.moving)
    return max(1, min(PART, data.batch, RUN_BYTES // max(1, 4 * held)))


def _size(value: NDArray[Any]) -> float:
    """Squares of a sample's feature, summed: a relative error is the sum of squares over this."""
    wide = value.astype(np.float64)
    return float(np.sum(wide**2)) / max(1, len(wide)) or 1.0
