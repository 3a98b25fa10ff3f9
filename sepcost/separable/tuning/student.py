"""The converted network as it is tuned: the weights of its new parts are plain floats.

How a form writes its factors as weights is not repeated here: factors whose elements are numbered
are written in the same way, and the weights then tell which element each of theirs is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sepcost.model.load import Loaded
from sepcost.model.tensors import Array, content, folder
from sepcost.separable.factors.kernels import Factors
from sepcost.separable.find.candidates import Candidate, bias
from sepcost.separable.rewrite.draft import Ranges
from sepcost.separable.rewrite.separate import ChoiceLike, labelled
from sepcost.separable.rewrite.tidy import LISTED_IR_VERSION

#: The arrays of ``Factors``, in the order in which their elements are numbered.
FIELDS = ("spatial", "pointwise", "first", "bias")

Weights = Mapping[str, Array]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class StudentPart:
    """A choice as the student has it."""

    candidate: Candidate
    factors: Factors
    form_emitted: str
    ranges: Ranges | None = None
    lifted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Student:
    """A converted network and the weights in it that can be tuned."""

    loaded: Loaded
    parts: tuple[StudentPart, ...]  # those whose weights can be tuned
    weights: Weights  # by name of the tensor, in its own shape
    places: tuple[Mapping[str, Numbers], ...]  # of each part: elements of its factors, by tensor

    def factors(self, weights: Weights) -> list[Factors]:
        """The factors of each part that ``weights`` hold; parts that share factors still do."""
        made: dict[int, Factors] = {}
        for part, places in zip(self.parts, self.places, strict=True):
            if id(part.factors) not in made:
                made[id(part.factors)] = _filled(part.factors, places, weights)
        return [made[id(part.factors)] for part in self.parts]


def student(model: Loaded, tuned: Sequence[ChoiceLike], others: Sequence[ChoiceLike]) -> Student:
    """Build the converted network with plain weights.

    Parameters
    ----------
    model
        The original.
    tuned
        Choices in the main graph.
    others
        Choices that stay as they are.
    """
    own: dict[int, Factors] = {}  # new factors by the given ones: shared ones stay shared
    parts = tuple(
        StudentPart(
            replace(one.candidate, stored=None, activations=None),
            own.setdefault(id(one.factors), _biased(one.candidate, one.factors)),
            one.form_emitted,
            lifted=one.lifted,
        )
        for one in tuned
    )
    made, names = labelled(_with_initializers(model), [*parts, *others])
    written = _arrays(made, names[: len(parts)])
    numbers = {id(factors): _numbered(factors) for factors in own.values()}
    numbered = [
        replace(
            part,
            candidate=replace(part.candidate, dtype="float64"),
            factors=numbers[id(part.factors)],
        )
        for part in parts
    ]
    places, labels = labelled(_with_initializers(model), numbered)
    elements = _arrays(places, labels)
    return Student(
        made,
        parts,
        {name: array for one in written for name, array in one.values()},
        tuple(
            {name: np.rint(found[label][1]).astype(np.int64) for label, (name, _) in own_.items()}
            for own_, found in zip(written, elements, strict=True)
        ),
    )


def _with_initializers(model: Loaded) -> Loaded:
    """A version in which weights are initializers and need not be inputs too."""
    if model.proto.ir_version >= LISTED_IR_VERSION:
        return model
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    proto.ir_version = LISTED_IR_VERSION
    return replace(model, proto=proto)


def _biased(candidate: Candidate, factors: Factors) -> Factors:
    """With a bias to tune, where the original's is a constant or none."""
    constant = candidate.bias_of is not None
    if factors.bias is not None or (candidate.has_bias and not constant):
        return replace(factors)
    known = bias(candidate)
    return replace(factors, bias=np.zeros(len(factors.pointwise[0])) if known is None else known)


def _arrays(made: Loaded, names: Sequence[Mapping[str, str]]) -> list[dict[str, tuple[str, Array]]]:
    """Name and content of each choice's float weights, by label."""
    stored = {tensor.name: tensor for tensor in made.proto.graph.initializer}
    kept = [{label: name for label, name in one.items() if label != "axes"} for one in names]
    read = {n: content(stored[n], folder(made)) for one in kept for n in one.values()}
    return [{label: (n, read[n].astype(np.float64)) for label, n in one.items()} for one in kept]


def _numbered(factors: Factors) -> Factors:
    """The same with the number of each element in its place."""
    start, fields = 0, dict[str, Any]()
    for name in FIELDS:
        array = getattr(factors, name)
        if array is not None:
            fields[name] = np.arange(start, start + array.size, dtype=np.float64)
            fields[name] = fields[name].reshape(array.shape)
            start += array.size
    return replace(factors, **fields)


def _filled(factors: Factors, places: Mapping[str, Numbers], weights: Weights) -> Factors:
    """The factors whose elements stand in the weights."""
    arrays = {name: getattr(factors, name) for name in FIELDS}
    arrays = {name: array for name, array in arrays.items() if array is not None}
    flat = np.concatenate([array.reshape(-1) for array in arrays.values()])
    for name, numbers in places.items():
        flat[numbers.reshape(-1)] = weights[name].reshape(-1)
    ends = np.cumsum([array.size for array in arrays.values()])[:-1]
    pieces = np.split(flat, ends)
    fields: dict[str, Any] = {
        name: piece.reshape(array.shape)
        for (name, array), piece in zip(arrays.items(), pieces, strict=True)
    }
    return replace(factors, **fields)
