"""First-order effect of a convolution's error on the network's outputs.

An error e of a layer's output at one position changes the outputs by J·e, with J the Jacobian
there. Its size is eᵀ·Q·e with

    Q = E[JᵀJ] = E[g·gᵀ],   g = Jᵀ·v,   v standard normal numbers

summed over positions and averaged over samples; one forward and one backward run give it for all
layers (``backward``). For classifiers J is the Jacobian of the scores without their mean,
which does not affect the probabilities, or of probabilities in the Fisher metric; for all other
outputs it is that of changes relative to the spread of their part (``quality.parts``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sepcost.latency.jobs import Runtime
from sepcost.model.load import Loaded
from sepcost.model.tensors import Array
from sepcost.network import Network, Value
from sepcost.separable.data.samples import Calibration, Feeds
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.find.context import Context, holder_name
from sepcost.separable.quality.answers import moved_back, rows_of, samples_first
from sepcost.separable.quality.parts import OutputPart
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.backward.rules import RULES
from sepcost.separable.runs.backward.tape import FLOATS, OPSET, SEED, Tape, backward, moves
from sepcost.separable.runs.output_loss import Run
from sepcost.separable.watch import Watch

SAMPLES = 512  # enough for a metric; each sample adds to its rank
_RUN_BYTES = 1 << 27  # of activations for one backward run
_ALL_BYTES = 1 << 32  # of activations over all samples: the larger, the more each one shows
_FEWEST = 8  # samples, however large
_RAREST = 1e-3  # smaller probabilities are weighted like this one

Metrics = dict[str, Array]
UNREAD = "no output"  # depends on the layer


@dataclass(frozen=True, slots=True)
class Gradients:
    """How many convolutions have gradients, and the operators that pass none on to the others."""

    reached: int
    of: int
    stopped_by: Mapping[str, int]  # convolutions by operator


@dataclass(frozen=True, slots=True, eq=False)
class Sensitivities:
    """Q of each convolution that gradients reach, and the operator that stops them elsewhere."""

    metrics: Metrics
    stopped: Mapping[str, str]  # by id of the candidate

    @property
    def gradients(self) -> Gradients:
        """The counts."""
        reached, by = len(self.metrics), Counter(self.stopped.values())
        return Gradients(reached, reached + len(self.stopped), dict(by.most_common()))


def sensitivities(
    context: Context,
    candidates: Sequence[Candidate],
    data: Calibration,
    runtime: Runtime,
    parts: Sequence[OutputPart],
    seed: int = 0,
    watch: Watch | None = None,
) -> Sensitivities:
    """Q [N, N] of each candidate that gradients reach.

    Parameters
    ----------
    context
        The original model.
    candidates
        Candidates; gradients do not reach those in functions and subgraphs.
    data
        Calibration data.
    runtime
        Settings of the sessions.
    parts
        What is judged of the outputs.
    seed
        Seed of v.
    watch
        Asked between runs.

    Raises
    ------
    ModelError
        ONNX Runtime cannot run the model.
    TimeUpError
        The time is up.
    """
    observed = [one for one in candidates if context.in_main_graph(one)]
    inside = {one.layer.writes[0]: one.id for one in observed}
    passes = _passes(context, {one.layer.writes[0]: one.axes[1] for one in observed})
    random = np.random.default_rng(seed)
    watch = watch or Watch()
    reached = passes.reached
    made = _metrics(context, passes, data, runtime, parts, random, watch) if reached else {}
    sound = (name for name, one in made.items() if np.isfinite(one).all() and one.any())
    known = {inside[name]: made[name] for name in sound}
    ends = {inside[name]: operator for name, operator in passes.stops.items() if name in inside}
    left = (one for one in candidates if one.id not in known)
    stopped = {one.id: ends.get(one.id) or _within(context, one) for one in left}
    return Sensitivities(known, stopped)


def _within(context: Context, candidate: Candidate) -> str:
    """The operator or function that holds a candidate; an If if the data never takes it."""
    if candidate.id not in context.places:
        return "If"
    holder = context.holder(candidate.id)
    return UNREAD if holder is None else holder_name(holder.node)


def _metrics(
    context: Context,
    passes: _Passes,
    data: Calibration,
    runtime: Runtime,
    parts: Sequence[OutputPart],
    random: np.random.Generator,
    watch: Watch,
) -> Metrics:
    """Q of each value reached: the mean of Σ g·gᵀ over the samples."""
    sums = [np.zeros(())] * len(passes.reached)
    samples = 0
    back, forth = passes.sessions(context.observed, runtime, data)
    limit, most = passes.samples(context.network), passes.rows(context.network)
    count = -(-min(limit, len(data)) // min(most, data.batch))
    for feeds in watch.each(data.batches(limit, most), "computing gradients", count):
        given, answers = forth(feeds)
        rows = rows_of(feeds) if data.stacked else 1
        seeds = _seeds(passes.outputs, answers, parts, random, rows)
        given |= {SEED + name: v for name, v in zip(passes.outputs, seeds, strict=True)}
        sums = [total + square for total, square in zip(sums, back(given), strict=True)]
        samples += rows
        del given, answers, seeds  # before the next run, which takes as much memory
    return {name: total / samples for name, total in zip(passes.reached, sums, strict=True)}


@dataclass(frozen=True, slots=True, eq=False)
class _Passes:
    """The backward run as a graph, and the values that the forward run feeds to it."""

    model: onnx.ModelProto  # computes Σ g·gᵀ of the values reached
    reached: tuple[str, ...]
    stops: Mapping[str, str]  # values not reached -> the operator that stops gradients
    outputs: tuple[str, ...]  # outputs that get a seed
    moving: Mapping[str, str]  # activations -> inputs of the backward graph
    fixed: Mapping[str, str]  # weights -> inputs of the backward graph

    def held(self, network: Network) -> int:
        """Bytes of the activations of one sample."""
        return max(1, 4 * sum(network.values[name].elements or 1 for name in self.moving))

    def samples(self, network: Network) -> int:
        """Samples that are enough."""
        return min(SAMPLES, max(_FEWEST, _ALL_BYTES // self.held(network)))

    def rows(self, network: Network) -> int:
        """Samples per run that keep its memory within bounds."""
        return max(1, _RUN_BYTES // self.held(network))

    def sessions(
        self, loaded: Loaded, runtime: Runtime, data: Calibration
    ) -> tuple[Run, Callable[[Feeds], tuple[dict[str, Any], Sequence[Any]]]]:
        """The backward run, and the forward run, which returns feeds for it and the outputs."""
        results = [value.name for value in self.model.graph.output]
        graph = Loaded("backward", loaded.source, self.model)
        back = runner(graph, runtime, results, sparing=True)
        run = runner(loaded, runtime, [*self.outputs, *self.moving])
        kept: dict[str, Any] = {}
        if self.fixed:
            weights = runner(loaded, runtime, list(self.fixed))(next(data.batches(1)))
            kept = _singles(self.fixed, weights)

        def forth(feeds: Feeds) -> tuple[dict[str, Any], Sequence[Any]]:
            values = run(feeds)
            cut = len(self.outputs)
            return kept | _singles(self.moving, values[cut:]), values[:cut]

        return back, forth


def _passes(context: Context, wanted: Mapping[str, int]) -> _Passes:
    """Of values by the axis of their channels."""
    network = context.network
    layers = context.opaque()
    tape = Tape(network.values, context.stored, opset=network.opsets.get("", OPSET))
    outputs = tuple(
        n for n in network.outputs if n in network.values and network.values[n].dtype in FLOATS
    )
    grads = backward(layers, tape, outputs, list(wanted), RULES)
    squares = [
        _squared(tape, grad, network.values[name], wanted[name]) for name, grad in grads.items()
    ]
    model = tape.model(outputs, squares)
    taken = {value.name for value in model.graph.input}
    fed = {name: at for name, at in tape.fed.items() if at in taken}
    moving = {name: at for name, at in fed.items() if moves(network.values[name])}
    fixed = {name: at for name, at in fed.items() if name not in moving}
    return _Passes(model, tuple(grads), tape.stops, outputs, moving, fixed)


def _squared(tape: Tape, gradient: str, value: Value, axis: int) -> str:
    """Σ g·gᵀ [N, N] over all axes of a gradient but that of the N channels."""
    assert value.shape is not None
    order = list(range(len(value.shape)))
    order.insert(0, order.pop(axis))
    turned = tape.add("Transpose", gradient, perm=order)
    rows = tape.add("Reshape", turned, tape.constant(np.array([value.shape[axis], -1])))
    return tape.add("MatMul", rows, tape.add("Transpose", rows, perm=[1, 0]))


def _singles(names: Mapping[str, str], arrays: Sequence[Any]) -> dict[str, Any]:
    """Floats in single precision; places and conditions as they are."""
    kept = (np.asarray(array) for array in arrays)
    wide = (a.astype(np.float32, copy=False) if a.dtype.kind == "f" else a for a in kept)
    return dict(zip(names.values(), wide, strict=True))


def _seeds(
    names: Sequence[str],
    answers: Sequence[Any],
    parts: Sequence[OutputPart],
    random: np.random.Generator,
    rows: int,
) -> list[NDArray[np.float32]]:
    """V of each output, part by part, each by its own spread or by its probabilities."""
    others = sum(part.classes is None for part in parts)
    made = []
    for name, answer in zip(names, answers, strict=True):
        moved = samples_first(np.asarray(answer), rows)
        v = np.zeros(moved.shape)
        for part in parts:
            if part.name == name:
                part.of(v, rows)[...] = _seed(part, part.of(moved, rows), random, others)
        made.append(moved_back(v, np.asarray(answer), rows).astype(np.float32))
    return made


def _seed(
    part: OutputPart, answer: NDArray[Any], random: np.random.Generator, others: int
) -> Array:
    """V of a part [samples, ...]: standard normal numbers, weighted as the loss weighs errors."""
    v = np.asarray(random.standard_normal(answer.shape))
    if part.classes is None:
        return np.asarray(v / (np.sqrt(part.variance * answer[0].size * others) or 1.0))
    wide, axis = np.asarray(answer, np.float64), part.classes.axis
    if axis < 0:
        v /= np.sqrt(np.maximum(wide * (1 - wide), _RAREST))
    elif part.classes.probabilities:
        v /= np.sqrt(np.maximum(wide, _RAREST))
    else:
        v -= v.mean(axis, keepdims=True)
    positions = answer[0].size / (1 if axis < 0 else answer.shape[axis])
    return np.asarray(v / np.sqrt(positions))
