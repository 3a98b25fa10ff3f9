"""Explicit pads for convolutions that ONNX Runtime does not run with automatic ones.

Its CPU kernels refuse ``auto_pad`` SAME together with dilation.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import onnx
from onnx import helper

from sepcost.cost.geometry import convolution
from sepcost.cost.results import Convolution
from sepcost.model.load import Loaded
from sepcost.network import Network
from sepcost.separable.find.sites import sites

SAME = frozenset({b"SAME_UPPER", b"SAME_LOWER"})


def padded(loaded: Loaded, network: Network) -> tuple[Loaded, int]:
    """Write explicit pads where ONNX Runtime needs them; return the model and their number.

    Pads of a strided convolution depend on the size of its input, so they stay automatic where
    the model leaves sizes open.
    """
    pads = _refused(loaded.proto, network)
    if not pads:
        return loaded, 0
    proto = type(loaded.proto)()
    proto.CopyFrom(loaded.proto)
    places = dict(sites(proto))
    for id_, geometry in pads.items():
        write_pads(places[id_].node, geometry)
    return replace(loaded, proto=proto), len(pads)


def _refused(proto: onnx.ModelProto, network: Network) -> dict[str, Convolution]:
    """Geometry of each node to pad, by the id of a layer that is the node.

    A node of a function is several layers; it is left out if their pads differ.
    """
    places = dict(sites(proto))
    wanted: dict[tuple[str, int], list[tuple[str, Convolution]]] = defaultdict(list)
    for layer in network.layers:
        site, geometry = places.get(layer.id), convolution(layer)
        if site is None or geometry is None or not refused(site.node, geometry):
            continue
        if not network.bindings or set(geometry.strides) == {1}:
            wanted[site.place].append((layer.id, geometry))
    return dict(group[0] for group in wanted.values() if len({one.pads for _, one in group}) == 1)


def refused(node: onnx.NodeProto, geometry: Convolution) -> bool:
    """Whether ONNX Runtime's CPU kernels refuse the convolution's padding."""
    automatic = any(a.name == "auto_pad" and a.s in SAME for a in node.attribute)
    return automatic and not geometry.transposed and max(geometry.dilations) > 1


def write_pads(node: onnx.NodeProto, geometry: Convolution) -> None:
    """Replace automatic padding by the equivalent explicit pads."""
    kept = [a for a in node.attribute if a.name not in {"auto_pad", "pads"}]
    del node.attribute[:]
    node.attribute.extend(kept)
    node.attribute.append(helper.make_attribute("pads", geometry.pads))
