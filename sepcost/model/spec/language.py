"""The words of the layer language: kinds, their keys, and what a spec is once it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sepcost.model.spec.lines import Place

#: How deep blocks and groups may nest.
MAX_DEPTH = 16

ACTIVATIONS = frozenset(
    {"elu", "hardsigmoid", "hardswish", "leaky_relu", "prelu", "relu", "relu6", "selu"}
    | {"sigmoid", "softplus", "swish", "tanh"}
)
#: What every layer may say about itself.
COMMON = frozenset({"name", "from", "repeat"})
#: What the top level may say once for all convolutions.
DEFAULTS = frozenset({"activation", "batch_norm", "bias", "padding"})

_AFTER = frozenset({"activation", "batch_norm", "bias"})
_WINDOW = frozenset({"kernel", "stride", "padding", "dilation"})
_WIDTH = frozenset({"alpha", "min_alpha"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of layer: the keys that it takes, and its argument where none is written."""

    keys: frozenset[str] = frozenset()
    default: object = None


KINDS: Mapping[str, Kind] = {
    "conv": Kind(_WINDOW | _AFTER | _WIDTH | {"groups"}),
    "pointwise_conv": Kind(_AFTER | _WIDTH | {"stride", "padding", "groups"}),
    "depthwise_conv": Kind(_WINDOW | _AFTER | {"multiplier"}, default=True),
    "separable_conv": Kind(_WINDOW | _AFTER | _WIDTH),
    "linear": Kind(_AFTER | _WIDTH),
    "pool": Kind(frozenset({"kernel", "stride", "padding"})),
    "global_pool": Kind(default="avg"),
    "batch_norm": Kind(frozenset({"activation"}), default=True),
    "activation": Kind(),
    **{name: Kind(default=True) for name in ACTIVATIONS},
    "softmax": Kind(default=True),
    "flatten": Kind(default=True),
    "dropout": Kind(default=True),
    "add": Kind(),
    "multiply": Kind(),
    "concat": Kind(),
    "layers": Kind(),
    "block": Kind(),
}
CONVOLUTIONS = frozenset({"conv", "pointwise_conv", "depthwise_conv", "separable_conv"})


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One entry of ``layers``, its values still as written."""

    kind: str
    argument: object
    place: Place
    options: Mapping[str, object] = field(default_factory=dict)
    name: str | None = None
    source: str | None = None  # the key ``from``
    repeat: object = 1
    layers: tuple[LayerSpec, ...] = ()

    def at(self, key: str) -> Place:
        """Where a key of the layer stands."""
        return (*self.place, key)


@dataclass(frozen=True, slots=True)
class Block:
    """Layers with parameters: the ``$names`` that they use."""

    layers: tuple[LayerSpec, ...]
    parameters: frozenset[str]
    defaults: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Spec:
    """One network, as written."""

    name: str
    description: str
    input: tuple[int, ...]
    batch: int | None
    alpha: float
    rho: float
    divisor: int
    defaults: Mapping[str, object]
    layers: tuple[LayerSpec, ...]
    blocks: Mapping[str, Block]
