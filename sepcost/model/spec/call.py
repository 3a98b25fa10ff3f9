"""One layer at work: its values read, its width scaled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sepcost.model.spec.graph import Graph
from sepcost.model.spec.language import LayerSpec
from sepcost.model.spec.lines import FaultError
from sepcost.model.spec.values import ARRIVING, flag, free_names, integer, positive, resolve


@dataclass(frozen=True, slots=True)
class Call:
    """One layer at work: what is written, what ``$names`` mean, where it stands in the graph."""

    layer: LayerSpec
    names: Mapping[str, object]
    graph: Graph
    path: str
    alpha: float
    divisor: int

    def argument(self) -> object:
        """The value of the key that names the kind."""
        return resolve(self.layer.argument, self.names, self.layer.at(self.layer.kind))

    def option(self, key: str, default: object) -> object:
        """The value of another key."""
        return resolve(self.layer.options.get(key, default), self.names, self.layer.at(key))

    def fault(self, message: str) -> FaultError:
        """A fault of the layer as a whole."""
        return FaultError(self.layer.at(self.layer.kind), message)


def scaled(channels: int, alpha: float, divisor: int) -> int:
    """Apply the width multiplier: ``alpha * channels``, to the nearest multiple of ``divisor``.

    Divisor 1 is plain rounding (Howard et al. 2017, section 3.3). Above 1, as in MobileNetV2, a
    width that rounding would cut by more than a tenth goes up. Halves go up; alpha 1 is no change.
    """
    if alpha == 1:
        return channels
    width = max(divisor, int(alpha * channels / divisor + 0.5) * divisor)
    return width + divisor if divisor > 1 and width < 0.9 * alpha * channels else width


def out_channels(call: Call) -> int:
    """Read the argument of a layer with channels of its own, alpha applied."""
    place = call.layer.at(call.layer.kind)
    channels = integer(call.argument(), place)
    if ARRIVING in free_names(call.layer.argument):  # alpha is in it already
        return channels
    alpha = positive(call.option("alpha", call.alpha), call.layer.at("alpha"))
    least = positive(call.option("min_alpha", alpha), call.layer.at("min_alpha"))
    return scaled(channels, max(alpha, least), call.divisor)


def check_flag_argument(layer: LayerSpec) -> None:
    """``{ flatten = true }`` says nothing but its kind; false would mean nothing."""
    if not flag(layer.argument, layer.at(layer.kind)):
        raise FaultError(layer.at(layer.kind), "expected true; leave the layer out instead")
