"""One layer during construction: reads its values, scales its width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sepcost.model.spec.graph import Graph
from sepcost.model.spec.language import LayerSpec
from sepcost.model.spec.lines import FaultError
from sepcost.model.spec.values import ARRIVING, flag, free_names, integer, positive, resolve


@dataclass(frozen=True, slots=True)
class Call:
    """One layer during construction: its spec, the values of ``$names``, its place in the graph."""

    layer: LayerSpec
    names: Mapping[str, object]
    graph: Graph
    path: str
    alpha: float
    divisor: int

    def argument(self) -> object:
        """Return the value of the key that names the kind."""
        return resolve(self.layer.argument, self.names, self.layer.at(self.layer.kind))

    def option(self, key: str, default: object) -> object:
        """Return the value of another key."""
        return resolve(self.layer.options.get(key, default), self.names, self.layer.at(key))

    def fault(self, message: str) -> FaultError:
        """Return a fault of the layer as a whole."""
        return FaultError(self.layer.at(self.layer.kind), message)


def scaled(channels: int, alpha: float, divisor: int) -> int:
    """Apply the width multiplier: ``alpha * channels``, to the nearest multiple of ``divisor``.

    Divisor 1 is plain rounding (Howard et al. 2017, section 3.3). Above 1, as in MobileNetV2, a
    width that would lose more than a tenth is rounded up. Halves round up; alpha 1 changes nothing.
    """
    if alpha == 1:
        return channels
    width = max(divisor, int(alpha * channels / divisor + 0.5) * divisor)
    return width + divisor if divisor > 1 and width < 0.9 * alpha * channels else width


def out_channels(call: Call) -> int:
    """Return the output channels that a layer asks for, with alpha applied."""
    place = call.layer.at(call.layer.kind)
    channels = integer(call.argument(), place)
    if ARRIVING in free_names(call.layer.argument):  # includes alpha already
        return channels
    alpha = positive(call.option("alpha", call.alpha), call.layer.at("alpha"))
    least = positive(call.option("min_alpha", alpha), call.layer.at("min_alpha"))
    return scaled(channels, max(alpha, least), call.divisor)


def check_flag_argument(layer: LayerSpec) -> None:
    """Check the value in ``{ flatten = true }``: it can only be true."""
    if not flag(layer.argument, layer.at(layer.kind)):
        raise FaultError(layer.at(layer.kind), "expected true; to skip the layer, remove it")
