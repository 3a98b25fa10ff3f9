"""Which convolutions can become separable, and why the others cannot.

A candidate is one Conv or ConvTranspose node whose kernel is known before the model runs. Kernels
are returned in Conv's layout, [N, M/G, *k], even for ConvTranspose. On request, a Gemm or MatMul
with a known matrix is a candidate too: a convolution without spatial axes, of kernel [N, M].
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sepcost.cost.dense import Dense, as_convolution
from sepcost.cost.dense import dense as dense_layer
from sepcost.cost.geometry import convolution, key, operands
from sepcost.cost.results import Convolution
from sepcost.cost.whatif import separable
from sepcost.errors import ConversionError
from sepcost.model.graphs import Name
from sepcost.model.load import Loaded
from sepcost.model.tensors import Array, folder, whole
from sepcost.network import Layer, Network
from sepcost.separable.find import dense as dense_layers
from sepcost.separable.find.constants import Recipe, recipe
from sepcost.separable.find.mark import is_marked
from sepcost.separable.find.sites import Site, sites
from sepcost.separable.find.storage import ADVICE, Activations, Stored, activations, storage

CONVERTED = frozenset({"Conv", "ConvTranspose"})
DTYPES = frozenset({"float32", "float16", "bfloat16", "float64"})
UNPROFITABLE = "not profitable"
INTEGER = frozenset({"ConvInteger", "QLinearConv", "QLinearConvTranspose"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A convolution that can be converted."""

    id: str  # of the layer; of the first call if a function is called several times
    name: str
    op_type: str
    layer: Layer
    convolution: Convolution
    weight: str  # the name of the weight's value
    dtype: str  # of the weight that the convolution reads, and of its replacement
    weight_of: Recipe = field(repr=False, compare=False)
    bias_of: Recipe | None = field(repr=False, compare=False)
    stored: Stored | None = None  # how the file stores the weight, if not as it is read
    activations: Activations | None = None  # None unless the convolution runs in integers
    repeats: tuple[Layer, ...] = ()  # the same node's layers in other calls of its function
    dense: Dense | None = None  # of a Gemm or MatMul

    @property
    def data_at(self) -> int:
        """Position of the value that it reads among the inputs."""
        return self.dense.data if self.dense else 0

    @property
    def weight_at(self) -> int:
        """Position of the weight among the inputs."""
        return self.dense.weight if self.dense else 1

    @property
    def source(self) -> str:
        """The name of the value that it reads."""
        return self.layer.reads[self.data_at]

    @property
    def axes(self) -> tuple[int, int]:
        """The axes of the channels in its input and output."""
        return (self.dense.axis, self.dense.out_axis) if self.dense else (1, 1)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer that this candidate converts; the costs of all of them change."""
        return self.layer, *self.repeats

    @property
    def quantized(self) -> bool:
        """Whether the weight is stored as integers."""
        return self.stored is not None and self.stored.by == "DequantizeLinear"

    @property
    def others(self) -> tuple[str, ...]:
        """Ids of all layers but the first."""
        return tuple(layer.id for layer in self.repeats)

    @property
    def has_bias(self) -> bool:
        """Whether the convolution adds a bias, constant or not."""
        return len(self.layer.reads) > 2 and bool(self.layer.reads[2])


@dataclass(frozen=True, slots=True)
class Skip:
    """A convolution that stays as it is."""

    id: str
    name: str
    op_type: str
    reason: str


@dataclass(frozen=True, slots=True)
class Candidates:
    """Every convolution of a model in execution order: eligible, or skipped with a reason."""

    eligible: tuple[Candidate, ...]
    skips: tuple[Skip, ...]


def candidates(loaded: Loaded, network: Network, *, dense: bool = False) -> Candidates:
    """Sort the convolutions of a model into those that can be converted and those that cannot.

    Parameters
    ----------
    loaded
        The model; a weight is read from its file only when ``weight`` is called.
    network
        Its description.
    dense
        Whether to include dense layers.

    Raises
    ------
    ModelError
        A layer spec was built without its weights.
    """
    loaded = whole(loaded)
    places = dict(sites(loaded.proto))
    look = _Look(network, places, folder(loaded), _overridable(loaded))
    by_place: dict[tuple[str, int], list[Layer]] = defaultdict(list)
    for layer in network.layers:
        if operands(layer) is not None or (dense and dense_layers.is_dense(layer)):
            by_place[places[layer.id].place].append(layer)
    results = [_sorted(look, layers) for layers in by_place.values()]
    return Candidates(
        tuple(result for result in results if isinstance(result, Candidate)),
        tuple(result for result in results if isinstance(result, Skip)),
    )


def weight(candidate: Candidate) -> Array:
    """Read a candidate's kernel: float64, [N, M/G, *k], even for ConvTranspose; [N, M] if dense.

    Raises
    ------
    ConversionError
        The tensor contains NaN or infinity, or cannot be computed.
    """
    kernel = _finite(candidate.weight_of(), candidate.weight)
    if candidate.dense is not None:
        return dense_layers.matrix(candidate.dense, kernel)
    if candidate.convolution.transposed:
        return turned(kernel, candidate.convolution.group)
    return kernel


def bias(candidate: Candidate) -> Array | None:
    """Read a candidate's bias: float64, [N]; None if it has none or it is not constant.

    Raises
    ------
    ConversionError
        The tensor contains NaN or infinity.
    """
    if candidate.bias_of is None:
        return None
    found = _finite(candidate.bias_of(), candidate.layer.reads[2])
    if candidate.dense is not None:
        return dense_layers.offset(candidate.dense, candidate.layer, found)
    return found


def turned(kernel: Array, group: int) -> Array:
    """[a, b/G, *k] as [b, a/G, *k], group by group: Conv's layout <-> ConvTranspose's."""
    first, second = kernel.shape[:2]
    blocks = kernel.reshape(group, first // group, second, *kernel.shape[2:])
    return np.ascontiguousarray(
        blocks.swapaxes(1, 2).reshape(group * second, first // group, *kernel.shape[2:])
    )


def _finite(array: Array, name: str) -> Array:
    wide = array.astype(np.float64)
    if not np.isfinite(wide).all():
        what = "NaN" if np.isnan(wide).any() else "infinity"
        raise ConversionError(
            f"tensor {name!r} contains {what}; repair the model or skip the layer"
        )
    return wide


@dataclass(frozen=True, slots=True)
class _Look:
    """Everything needed to decide whether a convolution is eligible."""

    network: Network
    places: Mapping[str, Site]
    home: Path
    overridable: frozenset[Name]

    def recipe(self, layer: Layer, position: int) -> Recipe | str:
        """Recipe of the input at ``position``, or the reason why it has none."""
        site = self.places[layer.id]
        return recipe(site.frame, site.node.input[position], self.home, self.overridable)


def _overridable(loaded: Loaded) -> frozenset[Name]:
    """Initializers that a caller may override: those that are also inputs, since IR version 4."""
    if loaded.proto.ir_version < 4:
        return frozenset()
    return frozenset(value.name for value in loaded.proto.graph.input)


def _sorted(look: _Look, layers: Sequence[Layer]) -> Candidate | Skip:
    """Decide about the layers of one node: one layer, or one per call of its function."""
    layer = layers[0]
    problem = next((why for one in layers if (why := _ineligible(look, one))), None)
    found, place = dense_layer(layer), _place(layer)
    recipes = [] if problem else [look.recipe(one, place) for one in layers]
    problem = problem or next((why for why in recipes if isinstance(why, str)), None)
    known = [one for one in recipes if isinstance(one, Recipe)]
    geometry = convolution(layer) or as_convolution(layer)
    if not problem and (len({r.key for r in known}) > 1 or len({_cut(x) for x in layers}) > 1):
        problem = (
            f"is in a function that is called {len(layers)} times with different weights;"
            " inline the function first (onnx.inliner)"
        )
    if problem or geometry is None:
        return Skip(layer.id, layer.name, layer.op_type, problem or "its shapes are unknown")
    dtype = look.network.values[layer.reads[place]].dtype
    stored = storage(known[0], dtype)
    integers = _integers(look, layer) if stored and stored.by == "DequantizeLinear" else None
    if found and stored and stored.by == "DequantizeLinear":
        integers = f"its weight is stored as {stored.dtype}; {ADVICE}"
    if isinstance(integers, str):
        return Skip(layer.id, layer.name, layer.op_type, integers)
    return Candidate(
        id=layer.id,
        name=layer.name,
        op_type=layer.op_type,
        layer=layer,
        convolution=geometry,
        weight=layer.reads[place],
        dtype=dtype,
        weight_of=known[0],
        bias_of=_bias(look, layers),
        stored=stored,
        activations=integers,
        repeats=tuple(layers[1:]),
        dense=found,
    )


def _ineligible(look: _Look, layer: Layer) -> str | None:
    """The first reason why a layer cannot be converted; None if there is none."""
    if is_marked(look.places[layer.id].node):
        return "made by sepcost"
    problem = _not_separable if operands(layer) else dense_layers.ineligible
    return problem(layer) or _odd_type(look, layer)


def _not_separable(layer: Layer) -> str | None:
    """Why a convolution has no separable form; None if it has one."""
    domain, op_type = key(layer)
    geometry = convolution(layer)
    if op_type in INTEGER:
        return f"{op_type} computes in integers; convert the float or QDQ model it came from"
    if geometry is None:
        return "; ".join(layer.missing) or "its shapes are unknown"
    reason = separable(layer, geometry, None, 0).reason
    if reason not in {None, UNPROFITABLE}:
        return reason
    if domain or op_type not in CONVERTED:
        return f"{op_type} has no separable form in ONNX; convert the model before optimising it"
    return None


def _odd_type(look: _Look, layer: Layer) -> str | None:
    dtype = look.network.values[layer.reads[_place(layer)]].dtype
    return None if dtype in DTYPES else f"its weight's type is {dtype or 'unknown'}"


def _place(layer: Layer) -> int:
    """Position of the weight among the inputs."""
    found = dense_layer(layer)
    return found.weight if found else 1


def _integers(look: _Look, layer: Layer) -> Activations | str | None:
    site = look.places[layer.id]
    return activations(
        site, layer, lambda name: recipe(site.frame, name, look.home, look.overridable)
    )


def _cut(layer: Layer) -> tuple[object, ...]:
    """Weight shape and group: one replacement fits all calls of a function only if these agree."""
    found = dense_layer(layer)
    return found or layer.inputs[1], layer.attributes.get("group", 1), layer.attributes.get("beta")


def _bias(look: _Look, layers: Sequence[Layer]) -> Recipe | None:
    """Recipe of the bias; None unless it is the same constant in every call."""
    reads = layers[0].reads
    if len(reads) < 3 or not reads[2] or not dense_layers.has_plain_bias(layers[0]):
        return None
    recipes = [look.recipe(layer, 2) for layer in layers]
    known = [one for one in recipes if isinstance(one, Recipe)]
    return known[0] if len({one.key for one in known}) == 1 and known == recipes else None
