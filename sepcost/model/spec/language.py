"""The words of the layer language: kinds and their keys, and the classes of a parsed spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sepcost.model.spec.lines import Place

#: Maximum depth of nested blocks and groups.
MAX_DEPTH = 16

ACTIVATIONS = frozenset(
    {"elu", "hardsigmoid", "hardswish", "leaky_relu", "prelu", "relu", "relu6", "selu"}
    | {"sigmoid", "softplus", "swish", "tanh"}
)
#: Keys of every layer.
COMMON = frozenset({"name", "from", "repeat"})
#: Keys with defaults for all convolutions at the top level.
DEFAULTS = frozenset({"activation", "batch_norm", "bias", "padding"})

_AFTER = frozenset({"activation", "batch_norm", "bias"})
_WINDOW = frozenset({"kernel", "stride", "padding", "dilation"})
_WIDTH = frozenset({"alpha", "min_alpha"})


@dataclass(frozen=True, slots=True)
class LayerKind:
    """A kind of layer: its keys, and its argument as a bare word."""

    keys: frozenset[str] = frozenset()
    default: object = None


KINDS: Mapping[str, LayerKind] = {
    "conv": LayerKind(_WINDOW | _AFTER | _WIDTH | {"groups"}),
    "pointwise_conv": LayerKind(_AFTER | _WIDTH | {"stride", "padding", "groups"}),
    "depthwise_conv": LayerKind(_WINDOW | _AFTER | {"multiplier"}, default=True),
    "separable_conv": LayerKind(_WINDOW | _AFTER | _WIDTH),
    "linear": LayerKind(_AFTER | _WIDTH),
    "pool": LayerKind(frozenset({"kernel", "stride", "padding"})),
    "global_pool": LayerKind(default="avg"),
    "batch_norm": LayerKind(frozenset({"activation"}), default=True),
    "activation": LayerKind(),
    **{name: LayerKind(default=True) for name in ACTIVATIONS},
    "softmax": LayerKind(default=True),
    "flatten": LayerKind(default=True),
    "dropout": LayerKind(default=True),
    "add": LayerKind(),
    "multiply": LayerKind(),
    "concat": LayerKind(),
    "layers": LayerKind(),
    "block": LayerKind(),
}
CONVOLUTIONS = frozenset({"conv", "pointwise_conv", "depthwise_conv", "separable_conv"})


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One entry of ``layers``, with values as written."""

    kind: str
    argument: object
    place: Place
    options: Mapping[str, object] = field(default_factory=dict)
    name: str | None = None
    source: str | None = None  # the key ``from``
    repeat: object = 1
    layers: tuple[LayerSpec, ...] = ()

    def at(self, key: str) -> Place:
        """Return the place of a key of the layer."""
        return (*self.place, key)


@dataclass(frozen=True, slots=True)
class Block:
    """Layers with parameters, which are the ``$names`` in them."""

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
