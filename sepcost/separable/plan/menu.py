"""The menu of each convolution: its possible replacements and their cost.

Options that do not cost less than the original are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from sepcost.network import Shape
from sepcost.separable.factors.blocks import Array, Form, ranks
from sepcost.separable.factors.kernels import Factors
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.rewrite import emit

#: Ranks on the menu, if the kernel has them. Widths are multiples of a runtime's channel block,
#: which are fastest.
RANKS: Mapping[Form, tuple[int, ...]] = {
    Form.DEPTHWISE_POINTWISE: (1, 2, 3, 4, 5, 6),
    Form.POINTWISE_DEPTHWISE: (1, 2, 3, 4),
    Form.BLOCK_POINTWISE: (8, 16, 32, 64),
    Form.BOTTLENECK: (8, 16, 24, 32, 48, 64, 96, 128, 192, 256),
}
#: Widths of a depthwise-bottleneck, as shares of the smaller of its channel counts per group.
SHARES = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1, 3 / 2, 2, 3)
#: Ranks of a dense layer, as shares of the rank below which two layers are cheaper.
DENSE_SHARES = (1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 3 / 4)
CHANNEL_BLOCK = 8


@dataclass(frozen=True, slots=True)
class Option:
    """One replacement of a layer; ``form`` None keeps it. MACs cover all runs of the node."""

    form: Form | None
    rank: int
    macs: int
    emitted: str = ""
    lifted: bool = False  # a 1-D convolution whose parts are written in 2-D
    ns: float | None = None
    ns_before: float | None = None  # of the original
    weight_error: float = 0.0
    fitted_error: float | None = None  # of the layer's own output on the data
    foretold: float | None = None  # effect on the network's output, predicted by gradients
    effect: float | None = None  # on the network's output, measured with only this layer replaced
    params: int = 0  # of the weights, and of a bias that a fit may add

    @property
    def keeps(self) -> bool:
        """Whether the layer stays as it is."""
        return self.form is None


Key = tuple[str, str, int]


def option_key(candidate: Candidate, form: Form | None, rank: int) -> Key:
    """Identify a replacement of a layer: its id, the form and the rank."""
    return candidate.id, str(form), rank


@dataclass(frozen=True, slots=True)
class Menu:
    """The options of one candidate; the first keeps it."""

    candidate: Candidate
    options: tuple[Option, ...]


def conv_shape(candidate: Candidate) -> Shape:
    """[N, M/G, *kernel]: the weight's shape in Conv's layout."""
    geometry = candidate.convolution
    inputs = geometry.in_channels // geometry.group
    return (geometry.out_channels, inputs, *geometry.kernel)


def shell(candidate: Candidate, form: Form, rank: int) -> Factors:
    """Factors of the right shapes without content, to count costs by."""
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


def forms_of(candidate: Candidate, forms: Sequence[Form]) -> Sequence[Form]:
    """The forms on the menu: those of convolutions, or the only one of a dense layer."""
    return (Form.BOTTLENECK,) if candidate.dense else forms


def offered_ranks(candidate: Candidate, form: Form) -> tuple[int, ...]:
    """The ranks on the menu that the candidate's kernel has."""
    wanted: Sequence[int] = RANKS.get(form, ())
    outputs, inputs, *_ = conv_shape(candidate)
    if candidate.dense is not None:
        wanted = _in_blocks(DENSE_SHARES, outputs * inputs / (outputs + inputs))
    elif form is Form.DEPTHWISE_BOTTLENECK:
        wanted = _in_blocks(SHARES, min(outputs // candidate.convolution.group, inputs))
    legal = legal_ranks(candidate, form)
    return tuple(rank for rank in wanted if rank in legal)


def _in_blocks(shares: Sequence[float], whole: float) -> list[int]:
    """Shares of a number of channels, in whole blocks."""
    blocks = {max(1, round(share * whole / CHANNEL_BLOCK)) for share in shares}
    return [CHANNEL_BLOCK * count for count in sorted(blocks)]


def menus(
    candidates: Sequence[Candidate],
    before: Mapping[str, int],
    forms: Sequence[Form],
    emitted: str | None = None,
) -> tuple[Menu, ...]:
    """Options of each candidate with fewer MACs; errors and times are filled in later.

    Parameters
    ----------
    candidates
        The candidates.
    before
        MACs of each original convolution, by id of the candidate.
    forms
        The forms of convolutions on the menu.
    emitted
        The emitted form if possible, else the form's default.
    """
    made = []
    for candidate in candidates:
        keep = Option(None, 0, before[candidate.id], params=prod(conv_shape(candidate)))
        added = 0 if candidate.has_bias else candidate.convolution.out_channels
        integers = candidate.activations is not None
        offers = [
            Option(
                form,
                rank,
                cost,
                emitted_as(factors, emitted, integers=integers),
                params=emit.params(candidate, factors) + added,
            )
            for form in forms_of(candidate, forms)
            for rank in offered_ranks(candidate, form)
            for factors in [shell(candidate, form, rank)]
            for cost in [emit.macs(candidate, factors)]
            if cost < keep.macs
        ]
        made.append(Menu(candidate, (keep, *offers)))
    return tuple(made)


def emitted_as(factors: Factors, wanted: str | None, *, integers: bool = False) -> str:
    """The emitted form asked for if the factors allow it, else their default.

    In integers every addition rounds, so the branches are concatenated where that is possible.
    """
    possible = emit.applicable(factors)
    if wanted is None and integers and "concat" in possible:
        return "concat"
    return wanted if wanted in possible else possible[0]
