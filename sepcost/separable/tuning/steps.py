"""One step of tuning: runs of the student forward and backward, which give all gradients.

Values go from one graph to the other without a copy. A batch is run in parts, each on one thread,
and their gradients are summed in order: the result is the same for any number of cores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sepcost.latency.jobs import Runtime
from sepcost.model.tensors import Array
from sepcost.separable.data.samples import Feeds
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.backward.tape import SEED
from sepcost.separable.runs.sessions import explained, opened
from sepcost.separable.tuning.graphs import ANSWER, SCALE, Graphs
from sepcost.separable.tuning.student import Student

if TYPE_CHECKING:
    import onnxruntime as ort

Singles = NDArray[np.float32]

#: Gradients of the outputs by name, from the outputs.
Seeds = Callable[[Mapping[str, Any]], Mapping[str, Array]]


@dataclass(frozen=True, slots=True, eq=False)
class Stepper:
    """Sessions of both graphs."""

    graphs: Graphs
    source: str
    forward: ort.InferenceSession
    backward: ort.InferenceSession
    kept: Mapping[str, Any]  # constants that the backward graph reads, by its inputs
    types: Mapping[str, Any]  # type of each weight that the student reads

    def gradients(
        self, weights: Mapping[str, Array], feeds: Feeds, answers: Mapping[str, Singles],
        scales: Mapping[str, float], seeds: Seeds,
    ) -> dict[str, Singles]:  # fmt: skip
        """Gradients of all weights reached for one part of a batch.

        Parameters
        ----------
        weights
            Of the student.
        feeds
            The network's inputs.
        answers
            Values of the features in the original.
        scales
            What the difference of a feature counts: its seed is the difference times this.
        seeds
            Seeds of the outputs.

        Raises
        ------
        SepcostError
            ONNX Runtime cannot run a graph.
        """
        with explained("tuning", self.source):
            return self._run(weights, feeds, answers, scales, seeds)

    def _run(
        self, weights: Mapping[str, Array], feeds: Feeds, answers: Mapping[str, Singles],
        scales: Mapping[str, float], seeds: Seeds,
    ) -> dict[str, Singles]:  # fmt: skip
        graphs = self.graphs
        given = {name: weights[name].astype(type_) for name, type_ in self.types.items()}
        names = [one.name for one in self.forward.get_outputs()]
        values = dict(zip(names, _run(self.forward, {**feeds, **given}, {}, names), strict=True))
        outputs = {name: _wide(values, name).numpy() for name in graphs.outputs}
        fed: dict[str, Any] = {SEED + n: _single(v) for n, v in seeds(outputs).items()}
        fed |= dict(self.kept) | {
            at: _single(weights[n]) for n, at in graphs.fixed.items() if n in weights
        }
        fed |= {at: _fed(feeds[n]) for n, at in graphs.moving.items() if n in feeds}
        fed |= {ANSWER + name: _single(answers[name]) for name in graphs.features}
        fed |= {SCALE + name: np.float32(scales[name]).reshape(()) for name in graphs.features}
        links = {at: _wide(values, n) for n, at in graphs.moving.items() if n not in feeds}
        results = list(graphs.results.values())
        found = _run(self.backward, fed, links, results)
        return {n: one.numpy() for n, one in zip(graphs.results, found, strict=True)}


def stepper(graphs: Graphs, student: Student, sample: Feeds) -> Stepper:
    """Open the sessions.

    Parameters
    ----------
    sample
        Inputs of any run: constants that the student computes are read once.

    Raises
    ------
    SepcostError
        ONNX Runtime cannot load a graph.
    """
    loaded = student.loaded
    named = [name for name in graphs.fixed if name not in student.weights]
    constants = runner(loaded, Runtime(), named)(sample) if named else ()
    kept = {graphs.fixed[n]: _fed(np.asarray(a)) for n, a in zip(named, constants, strict=True)}
    stored = {tensor.name: tensor.data_type for tensor in loaded.proto.graph.initializer}
    forward, backward = (
        opened(one, loaded, Runtime(threads=1), doing="loading for tuning")
        for one in (graphs.forward, graphs.backward)
    )
    needed = {one.name for one in forward.get_inputs()} & set(student.weights)
    types = {n: onnx.helper.tensor_dtype_to_np_dtype(stored[n]) for n in sorted(needed)}
    return Stepper(graphs, loaded.source, forward, backward, kept, types)


def _run(
    session: ort.InferenceSession, arrays: Feeds, links: Mapping[str, Any], outputs: Sequence[str]
) -> Sequence[Any]:
    """Run a session on arrays and on values of another session; return its values."""
    wanted = {one.name for one in session.get_inputs()}
    bound = session.io_binding()
    kept = {n: np.ascontiguousarray(a) for n, a in arrays.items() if n in wanted}
    for name, array in kept.items():
        bound.bind_cpu_input(name, array)
    for name, value in links.items():
        if name in wanted:
            bound.bind_ortvalue_input(name, value)
    for name in outputs:
        bound.bind_output(name)
    session.run_with_iobinding(bound)
    values: Sequence[Any] = bound.get_outputs()
    return values


def _wide(values: Mapping[str, Any], name: str) -> Any:
    """The value as float32, if it is a float."""
    return values.get(f"{name}/single", values.get(name))


def _single(array: Array) -> Singles:
    return np.asarray(array, np.float32)


def _fed(array: NDArray[Any]) -> NDArray[Any]:
    return _single(array) if array.dtype.kind == "f" else array
