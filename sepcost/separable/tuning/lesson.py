"""All that the steps of tuning need: the original as teacher, samples, sessions, coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

PART = 16  # samples of a run, at most
RUN_BYTES = 1 << 28  # of activations for one run
SAMPLES = 256  # to whiten on
POSITIONS = 24  # of each of these

#: Operators behind which a feature is taken, if nothing else reads their input.
FOLLOWING = frozenset({
    "BatchNormalization", "Relu", "Clip", "LeakyRelu", "PRelu", "Elu", "HardSwish", "Sigmoid",
    "HardSigmoid", "Tanh", "Gelu", "Mish", "Softplus",
})  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A student with all that its steps need."""

    student: Student
    stepper: Stepper
    teacher: Run
    pool: Pool
    scales: Mapping[str, float]  # of the features, for one sample
    moving: Sequence[Coordinates]
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
        Draws the samples to whiten on.

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
    some = [samples.draw(part, random) for part in _drawn(len(samples), rows, random)]
    values = teacher(some[0])[len(built.outputs) :]
    scales = {
        name: 2 / (len(built.features) * _size(value))
        for name, value in zip(built.features, values, strict=True)
    }
    moving = _whitened(made, built, network.layers, some)
    return Lesson(made, stepper(built, made, some[0]), teacher, samples, scales, moving, rows)


def features(made: Student, original: Context, network: Network) -> list[str]:
    """Values behind the converted layers that student and original share."""
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


def _drawn(count: int, rows: int, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Samples to whiten on, in runs."""
    for _ in range(max(1, SAMPLES // rows)):
        yield random.integers(count, size=rows)


def _size(value: NDArray[Any]) -> float:
    """Squares of a sample's feature, summed: a relative error is the sum of squares over this."""
    wide = value.astype(np.float64)
    return float(np.sum(wide**2)) / max(1, len(wide)) or 1.0


def _whitened(
    made: Student, built: Graphs, layers: Sequence[Layer], some: Sequence[Feeds]
) -> list[Coordinates]:
    """Coordinates of every weight reached, by what the first layer with it sees."""
    owners = {layer.reads[1]: layer for layer in reversed(layers) if len(layer.reads) > 1}
    found = {
        name: owners[name] for name in made.weights if name in owners and name in built.results
    }
    names = list(dict.fromkeys(n for one in found.values() for n in (one.reads[0], one.writes[0])))
    run = runner(made.loaded, Runtime(), names)
    shapes = {name: convolution(layer) for name, layer in found.items()}
    streams = {n: PatchStream(s, positions=POSITIONS) for n, s in shapes.items() if s is not None}
    for feeds in some:
        values = dict(zip(names, run(feeds), strict=True))
        for name, stream in streams.items():
            stream.add(values[found[name].reads[0]], values[found[name].writes[0]])
    moving = []
    for name, stream in streams.items():
        bias = next((one for one in found[name].reads[2:] if one in built.results), None)
        shape = shapes[name]
        assert shape is not None
        moving.append(coordinates(name, bias, shape, made.weights, stream.finish()))
    return moving
