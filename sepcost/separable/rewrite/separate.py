"""Replace chosen convolutions of a model with their factors.

Plan, apply, tidy: all replacements are built on a copy, then each graph gets its new nodes, last
position first, and finally everything that is no longer read is removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import onnx
from onnx import helper

from sepcost.errors import ConversionError
from sepcost.model.graphs import Name, root_name, roots
from sepcost.model.load import Loaded
from sepcost.model.tensors import whole
from sepcost.separable.factors.kernels import Factors
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.find.sites import Site, sites
from sepcost.separable.rewrite.draft import Ranges, Replacement
from sepcost.separable.rewrite.emit import emit
from sepcost.separable.rewrite.names import Names
from sepcost.separable.rewrite.tidy import LISTED_IR_VERSION, tidy


class ChoiceLike(Protocol):
    """A candidate with its factors, such as ``plan.choices.Choice``."""

    @property
    def candidate(self) -> Candidate:
        """The convolution to replace."""

    @property
    def factors(self) -> Factors:
        """Its replacement."""

    @property
    def form_emitted(self) -> str:
        """A key of ``emit.EMITTED``."""

    @property
    def ranges(self) -> Ranges | None:
        """Ranges of the values between the parts, if it runs in integers; None: the widest."""

    @property
    def lifted(self) -> bool:
        """Whether the parts of a 1-D convolution are written in 2-D."""


def separate(model: Loaded, choices: Iterable[ChoiceLike]) -> Loaded:
    """Replace each chosen convolution with its factors.

    The names of inputs, outputs and all other nodes stay, and so does the model's metadata.
    Weights that are no longer read are dropped; the others stay in the file that ``model``
    was loaded from.

    Parameters
    ----------
    model
        The candidates' model; it is not changed.
    choices
        At most one per candidate. Convolutions with the same ``Factors`` object share the new
        weights.

    Returns
    -------
    Loaded
        The new model, which ``sepcost.model.save.save`` writes.

    Raises
    ------
    ConversionError
        A candidate is not in the model, or factors do not fit the emitted form or the type.

    Examples
    --------
    Part of a plan:

    >>> import sepcost
    >>> from sepcost.model.load import load
    >>> every = sepcost.ConvertSettings(sepcost.Goal(sepcost.Aim.RANK, 1), verify=False)
    >>> plan = sepcost.convert("small-cnn", settings=every).plan
    >>> thinner = sepcost.separate(load("small-cnn", weights=True), plan.choices[1:])
    >>> len(plan.choices), [node.op_type for node in thinner.proto.graph.node].count("Conv")
    (3, 5)
    """
    return _separated(whole(model), list(choices))[0]


def observable(
    model: Loaded, before: Sequence[ChoiceLike], choice: ChoiceLike
) -> tuple[Loaded, Mapping[str, str]]:
    """Replace ``before`` and one more convolution, whose parts stay float.

    Returns
    -------
    Loaded
        The model; its main graph has the values between the parts of ``choice``.
    mapping
        Names of these values, by label of ``ChoiceLike.ranges``.

    Raises
    ------
    ConversionError
        As for ``separate``.
    """
    made, drafts = _separated(whole(model), [*before, choice], choice.candidate.id)
    return made, drafts[-1][1].inner


def labelled(
    model: Loaded, choices: Sequence[ChoiceLike]
) -> tuple[Loaded, Sequence[Mapping[str, str]]]:
    """Replace each chosen convolution, and name the new weights.

    Returns
    -------
    Loaded
        The new model.
    sequence of mapping
        For each choice, the names of its weights by label, such as ``pointwise/weight``.

    Raises
    ------
    ConversionError
        As for ``separate``.
    """
    made, drafts = _separated(whole(model), choices)
    return made, [draft.weights.shared for _, draft in drafts]


def _separated(
    model: Loaded, choices: Sequence[ChoiceLike], observed: str = ""
) -> tuple[Loaded, Sequence[tuple[Site, Replacement]]]:
    proto = type(model.proto)()
    proto.CopyFrom(model.proto)
    places = dict(sites(proto))
    drafts = _drafts(proto, places, choices, observed)
    if not drafts:
        return model, drafts
    _apply(drafts)
    _store(proto, drafts)
    unread: dict[str, list[Name]] = defaultdict(list)
    for site, draft in drafts:
        unread[site.frame.root] += [name for name in draft.replaced if name]
    tidy(proto, unread)
    return replace(model, proto=proto), drafts


def _drafts(
    proto: onnx.ModelProto, places: dict[str, Site], choices: Sequence[ChoiceLike], observed: str
) -> list[tuple[Site, Replacement]]:
    """Build the replacement of each chosen node; the model is not changed yet."""
    unique = Names(proto)
    stored: dict[tuple[object, ...], dict[str, str]] = defaultdict(dict)
    drafts: dict[tuple[str, int], tuple[Site, Replacement]] = {}
    for choice in choices:
        candidate, factors = choice.candidate, choice.factors
        site = places.get(candidate.id)
        if site is None or not _is_of(candidate, site):
            raise ConversionError(f"{candidate.id!r}: the model does not have this convolution")
        if site.place in drafts:
            raise ConversionError(f"{candidate.id!r}: chosen twice")
        common = (site.frame.root, id(factors), choice.form_emitted, candidate.dtype, choice.lifted)
        kind = (candidate.op_type, candidate.stored, candidate.convolution.group, candidate.dense)
        alone = candidate.activations is not None  # biases depend on the input's scale
        opset = site.frame.opsets.get("", site.frame.opsets.get("ai.onnx", 1))
        draft = Replacement(
            candidate, site.node, unique, opset, {} if alone else stored[common + kind],
            choice.ranges or {}, observable=candidate.id == observed, lifted=choice.lifted,
        )  # fmt: skip
        emit(draft, factors, choice.form_emitted)
        draft.finish(proto.ir_version)
        drafts[site.place] = site, draft
    return list(drafts.values())


def _is_of(candidate: Candidate, site: Site) -> bool:
    """Whether the node can be the candidate's: a plan of another model may name the same nodes."""
    node, place = site.node, candidate.weight_at
    if node.op_type != candidate.op_type or len(node.input) < 2:
        return False
    home = site.frame.home(node.input[place])
    tensor = home[0].tensors.get(home[1]) if home else None
    return not isinstance(tensor, onnx.TensorProto) or (
        tuple(tensor.dims) == candidate.layer.inputs[place]
    )


def _apply(drafts: Sequence[tuple[Site, Replacement]]) -> None:
    """Swap the nodes, the last of each graph first, so that the other indices stay valid."""
    for site, draft in sorted(drafts, key=lambda one: one[0].index, reverse=True):
        nodes = site.frame.graph.node
        del nodes[site.index]
        for node in reversed(draft.nodes):
            nodes.insert(site.index, node)


def _store(proto: onnx.ModelProto, drafts: Sequence[tuple[Site, Replacement]]) -> None:
    """Put the new weights at the top of their root, where all its graphs can read them."""
    bodies = {root_name(root): root for root in roots(proto)}
    for site, draft in drafts:
        root = bodies[site.frame.root]
        if isinstance(root, onnx.GraphProto) and proto.ir_version >= LISTED_IR_VERSION:
            root.initializer.extend(draft.tensors)
            continue
        for tensor in draft.tensors:
            root.node.insert(0, _constant(tensor, draft.node.domain))


def _constant(tensor: onnx.TensorProto, domain: str) -> onnx.NodeProto:
    """A weight for a place where initializers are impossible, or would have to be graph inputs."""
    return helper.make_node("Constant", [], [tensor.name], value=tensor, domain=domain)
