"""What each convolution could become, and what each of that costs.

Options that cost as much as the original never enter: a layer is replaced only where it pays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sepcost.network import Shape
from sepcost.separable.factors.blocks import Array, Form, ranks
from sepcost.separable.factors.kernels import Factors
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.rewrite import emit

#: Ranks on the menu of planned conversions, where the kernel has them. Widths that are multiples
#: of a runtime's channel block are the fast ones.
RANKS: Mapping[Form, tuple[int, ...]] = {
    Form.DEPTHWISE_POINTWISE: (1, 2, 3, 4, 5, 6),
    Form.POINTWISE_DEPTHWISE: (1, 2, 3, 4),
    Form.BLOCK_POINTWISE: (8, 16, 32, 64),
    Form.BOTTLENECK: (8, 16, 24, 32, 48, 64, 96, 128, 192, 256),
}
#: Those of a depthwise-bottleneck, by the fewer of the channels on its two sides.
SHARES = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1, 3 / 2, 2, 3)
CHANNEL_BLOCK = 8


@dataclass(frozen=True, slots=True)
class Option:
    """One way to write a layer; ``form`` None keeps it. MACs are of all runs of the node."""

    form: Form | None
    rank: int
    macs: int
    emitted: str = ""
    ns: float | None = None
    ns_before: float | None = None  # of the original
    weight_error: float = 0.0
    fitted_error: float | None = None  # of the layer's own output on the data
    foretold: float | None = None  # by gradients, what its error does to the network's output
    effect: float | None = None  # measured on the network's output, this layer replaced alone

    @property
    def keeps(self) -> bool:
        """Whether the layer stays as it is."""
        return self.form is None


@dataclass(frozen=True, slots=True)
class Menu:
    """The options of one candidate: to keep it comes first."""

    candidate: Candidate
    options: tuple[Option, ...]


def conv_shape(candidate: Candidate) -> Shape:
    """[N, M/G, *kernel]: the weight's shape in the layout of Conv."""
    geometry = candidate.convolution
    inputs = geometry.in_channels // geometry.group
    return (geometry.out_channels, inputs, *geometry.kernel)


def shell(candidate: Candidate, form: Form, rank: int) -> Factors:
    """Factors of the right shapes that hold nothing: what costs are counted by."""
    outputs, inputs, *kernel = conv_shape(candidate)
    group = candidate.convolution.group
    ones = (1,) * len(kernel)
    whole = group * inputs
    shapes: Mapping[Form, tuple[Shape, Shape]] = {
        Form.DEPTHWISE_POINTWISE: ((rank, whole, 1), (rank, outputs, inputs)),
        Form.POINTWISE_DEPTHWISE: ((rank, outputs, 1), (rank, outputs, inputs)),
        Form.BLOCK_POINTWISE: ((1, whole, rank), (1, outputs, inputs)),
        Form.DEPTHWISE_BOTTLENECK: ((1, group * rank, 1), (1, outputs, rank)),
        Form.BOTTLENECK: ((1, group * rank, inputs), (1, outputs, rank)),
    }

    def empty(*shape: int) -> Array:
        return np.broadcast_to(np.float64(0), shape)

    spatial, pointwise = shapes[form]
    parts = empty(*spatial, *kernel), empty(*pointwise, *ones)
    two = form == Form.DEPTHWISE_BOTTLENECK
    first = empty(group * rank, inputs, *ones) if two else None
    return Factors(form, rank, 0, group, *parts, None, 0.0, first)


def legal_ranks(candidate: Candidate, form: Form) -> tuple[int, ...]:
    """The ranks that the candidate's kernel has in a form."""
    return ranks(conv_shape(candidate), form, group=candidate.convolution.group)


def offered_ranks(candidate: Candidate, form: Form) -> tuple[int, ...]:
    """The ranks on the menu that the candidate's kernel has."""
    wanted: Sequence[int] = RANKS.get(form, ())
    if form is Form.DEPTHWISE_BOTTLENECK:
        outputs, inputs, *_ = conv_shape(candidate)
        fewer = min(outputs // candidate.convolution.group, inputs)
        blocks = {max(1, round(share * fewer / CHANNEL_BLOCK)) for share in SHARES}
        wanted = [CHANNEL_BLOCK * count for count in sorted(blocks)]
    legal = legal_ranks(candidate, form)
    return tuple(rank for rank in wanted if rank in legal)


def menus(
    found: Sequence[Candidate],
    before: Mapping[str, int],
    forms: Sequence[Form],
    emitted: str | None = None,
) -> tuple[Menu, ...]:
    """What each candidate could become at fewer MACs; errors and times are yet to be found.

    Parameters
    ----------
    found
        The candidates.
    before
        MACs of each candidate as it is, by id.
    forms
        The forms on the menu.
    emitted
        How they are to be written, where the factors can be; else each form's default.
    """
    made = []
    for candidate in found:
        keep = Option(None, 0, before[candidate.id])
        offers = [
            Option(form, rank, cost, emitted_as(factors, emitted))
            for form in forms
            for rank in offered_ranks(candidate, form)
            for factors in [shell(candidate, form, rank)]
            for cost in [emit.macs(candidate, factors)]
            if cost < keep.macs
        ]
        made.append(Menu(candidate, (keep, *offers)))
    return tuple(made)


def emitted_as(factors: Factors, wanted: str | None) -> str:
    """The emitted form asked for, where the factors have it; else their default."""
    possible = emit.applicable(factors)
    return wanted if wanted in possible else possible[0]
