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
    proto = type(loaded.proto)()
    proto.CopyFrom(loaded.proto)
    places, geometries = dict(sites(proto)), {x.id: convolution(x) for x in network.layers}
    wanted: dict[tuple[str, int], list[tuple[onnx.NodeProto, Convolution]]] = defaultdict(list)
    for id_, geometry in geometries.items():
        site = places.get(id_)
        if site is None or geometry is None or not refused(site.node, geometry):
            continue
        if not network.bindings or set(geometry.strides) == {1}:
            wanted[site.place].append((site.node, geometry))
    alike = [group[0] for group in wanted.values() if len({one.pads for _, one in group}) == 1]
    for node, geometry in alike:
        write_pads(node, geometry)
    return (replace(loaded, proto=proto) if alike else loaded), len(alike)


def refused(node: onnx.NodeProto, geometry: Convolution) -> bool:
    """Whether ONNX Runtime's CPU kernels refuse the convolution's padding."""
    automatic = any(a.name == "auto_pad" and a.s in SAME for a in node.attribute)
    return automatic and not geometry.transposed and max(geometry.dilations) > 1


def write_pads(node: onnx.NodeProto, geometry: Convolution) -> None:
    """Replace automatic padding by the pads that it stands for."""
    kept = [a for a in node.attribute if a.name not in {"auto_pad", "pads"}]
    del node.attribute[:]
    node.attribute.extend(kept)
    node.attribute.append(helper.make_attribute("pads", geometry.pads))
