"""A convolution in the paper's notation, ``3x3,512,512,14`` -> a Network of one layer.

Howard et al. 2017, section 3.1: a D_K x D_K kernel maps M channels of a D_F x D_F feature map to N
channels, with 'same' padding. A width multiplier α scales M and N, a resolution multiplier ρ scales
D_F (sections 3.3 and 3.4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil, inf

from sepcost.cost.formulas import scaled
from sepcost.errors import SpecError
from sepcost.network import Layer, Network, Role, Shape, Value

FORM = "KERNEL,M,N,SIZE, such as 3x3,512,512,14 or 3x3,512,512,14,stride=2,group=32"
EXTRAS = ("stride", "dilation", "group")


@dataclass(frozen=True, slots=True)
class ConvSpec:
    """The convolution as written; ``size`` is that of the input feature map."""

    kernel: Shape
    in_channels: int
    out_channels: int
    size: Shape
    stride: int = 1
    dilation: int = 1
    group: int = 1


def parse(text: str) -> ConvSpec:
    """Read ``KERNEL,M,N,SIZE[,stride=S][,dilation=D][,group=G]``.

    Raises
    ------
    SpecError
        If the text has another form, or channels do not divide into the groups.
    """
    fields = [field.strip() for field in text.lower().split(",")]
    plain = [field for field in fields if "=" not in field]
    if len(plain) != 4 or plain != fields[:4]:
        raise SpecError(f"--conv {text!r}: expected {FORM}")
    kernel, (in_channels,), (out_channels,), size = (
        _sizes(text, plain[0]), _one(text, plain[1]), _one(text, plain[2]), _sizes(text, plain[3]),
    )  # fmt: skip
    if len(size) == 1:
        size *= len(kernel)
    if len(size) != len(kernel) or len(kernel) > 3:
        raise SpecError(f"--conv {text!r}: kernel and feature map need the same number of axes")
    extras = dict(_extra(text, field) for field in fields[4:])
    conv = ConvSpec(kernel, in_channels, out_channels, size, **extras)
    _check_groups(text, conv)
    return conv


def _sizes(text: str, field: str) -> Shape:
    if not re.fullmatch(r"[1-9]\d{0,8}([x×][1-9]\d{0,8})*", field):
        raise SpecError(f"--conv {text!r}: {field!r} is not a size; expected {FORM}")
    return tuple(map(int, re.split("[x×]", field)))


def _one(text: str, field: str) -> Shape:
    sizes = _sizes(text, field)
    if len(sizes) != 1:
        raise SpecError(f"--conv {text!r}: {field!r} is not a single number; expected {FORM}")
    return sizes


def _extra(text: str, field: str) -> tuple[str, int]:
    name, _, value = field.partition("=")
    if name not in EXTRAS:
        raise SpecError(f"--conv {text!r}: unknown key {name!r}; choose from {', '.join(EXTRAS)}")
    return name, _one(text, value)[0]


def _check_groups(text: str, conv: ConvSpec) -> None:
    if conv.in_channels % conv.group or conv.out_channels % conv.group:
        raise SpecError(
            f"--conv {text!r}: {conv.in_channels} input and {conv.out_channels} output channels "
            f"cannot be split into {conv.group} groups"
        )


def network(conv: ConvSpec, name: str, alpha: float = 1.0, rho: float = 1.0) -> Network:
    """Return the Network of one Conv with α M and α N channels on a feature map of side ρ D_F.

    Raises
    ------
    SpecError
        If a multiplier is not positive, or the scaled channels do not divide into the groups.
    """
    if not (0 < alpha < inf and 0 < rho < inf):
        raise SpecError(f"--conv {name!r}: --alpha and --rho must be above 0")
    width_in, width_out = (scaled(width, alpha) for width in (conv.in_channels, conv.out_channels))
    size = tuple(scaled(side, rho) for side in conv.size)
    thin = ConvSpec(conv.kernel, width_in, width_out, size, conv.stride, conv.dilation, conv.group)
    _check_groups(name, thin)
    return _network(thin, name)


def _network(conv: ConvSpec, name: str) -> Network:
    image = (1, conv.in_channels, *conv.size)
    filters = (conv.out_channels, conv.in_channels // conv.group, *conv.kernel)
    result = (1, conv.out_channels, *(ceil(side / conv.stride) for side in conv.size))
    layer = Layer(
        id="output", name="conv", op_type="Conv", domain="", scope="",
        inputs=(image, filters), outputs=(result,),
        attributes={
            "auto_pad": "SAME_UPPER", "kernel_shape": conv.kernel, "group": conv.group,
            "strides": (conv.stride,) * len(conv.kernel),
            "dilations": (conv.dilation,) * len(conv.kernel),
        },
        weights=frozenset({1}), parameters=("weight",), reads=("input", "weight"),
        writes=("output",),
    )  # fmt: skip
    values = (
        Value("input", image, "float32", Role.INPUT),
        Value("weight", filters, "float32", Role.WEIGHT),
        Value("output", result, "float32", Role.ACTIVATION),
    )
    return Network(
        name=name, layers=(layer,), values={value.name: value for value in values},
        parameters={"weight": values[1]}, inputs=values[:1], outputs=("output",), opsets={"": 17},
    )  # fmt: skip
