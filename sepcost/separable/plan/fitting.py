"""Factors of a selection: from the weights only, or fitted layer by layer to the data.

With data, layers are fitted in execution order. The inputs of each come from the network as
converted so far and its targets from the original, so that it compensates earlier errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np

from sepcost.errors import SepcostError, TimeUpError
from sepcost.separable.data.moments import Moments
from sepcost.separable.data.samples import Calibration
from sepcost.separable.factors.blocks import Array
from sepcost.separable.factors.fit import FitOptions
from sepcost.separable.factors.kernels import Factors, factorize, reconstruct
from sepcost.separable.factors.random_init import random_factors
from sepcost.separable.find.candidates import Candidate, weight
from sepcost.separable.find.context import Context
from sepcost.separable.plan.choices import Choice, Selection
from sepcost.separable.plan.gathering import Gathering
from sepcost.separable.plan.menu import Key, Option, option_key, shell
from sepcost.separable.plan.walks import Walk, walk
from sepcost.separable.plan.wide import fit_layer
from sepcost.separable.quality.parts import OutputPart
from sepcost.separable.rewrite import emit
from sepcost.separable.rewrite.separate import observable
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.sensitivity import Gradients, Metrics, sensitivities
from sepcost.separable.settings import ConvertSettings
from sepcost.separable.side_by_side import side_by_side
from sepcost.separable.watch import Watch

EARLY = 0.4  # share of the iterations after which forms of one free factor gain nothing more
RANGED = 256  # samples to observe ranges on
RIDGES = 1e-2, 1e-1  # least and most: the fewer samples, the more the weights know beside them
RIDGED = 7.5  # samples times ridge, between these


Drafts = dict[Key, Factors]


@dataclass(slots=True, eq=False)
class Fitter:
    """Makes factors, and caches them by the selection up to and including the layer."""

    context: Context
    settings: ConvertSettings
    data: Calibration | None
    watch: Watch
    macs: Mapping[str, int]  # of each original convolution, by id of the candidate
    candidates: Sequence[Candidate] = ()
    parts: tuple[OutputPart, ...] = ()  # what is judged of the outputs
    metrics: Metrics | None = None  # metric of each candidate's output errors
    gradients: Gradients | None = None  # None before they are computed
    made: dict[tuple[Key, ...], Choice] = field(default_factory=dict)
    shared: dict[tuple[object, ...], Factors] = field(default_factory=dict)
    drafts: Drafts = field(default_factory=dict)  # of each option, fitted alone

    def choices(self, selection: Selection) -> tuple[Choice, ...]:
        """Factors of all layers of a selection, in execution order."""
        self._share(selection)
        done: list[Choice] = []
        trail: tuple[Key, ...] = ()
        path = None
        if self.data is not None:
            layers = [candidate for candidate, _ in selection]
            path = walk(self.context, layers, self.data, self.settings.runtime)
        for number, (candidate, option) in enumerate(selection, 1):
            trail = (*trail, option_key(candidate, option.form, option.rank))
            follows = self.on_data(candidate) and self.settings.method.asymmetric
            known = trail if follows else trail[-1:]
            if known not in self.made:
                name = candidate.name or candidate.id
                self.watch.tell("fitting", number, len(selection), name)
                self.made[known] = self._choice(candidate, option, done, path)
            done.append(self.made[known])
        return tuple(done)

    def drafted(self, candidate: Candidate, option: Option) -> bool:
        """Whether an option was fitted to the data."""
        return option_key(candidate, option.form, option.rank) in self.drafts

    def draft(self, candidate: Candidate, option: Option) -> Choice:
        """An option before its final fit, with the costs of the final one: the draft, or random."""
        assert option.form is not None
        factors = self.drafts.get(option_key(candidate, option.form, option.rank))
        if factors is None:
            factors = random_factors(candidate, shell(candidate, option.form, option.rank), 0)
        before = self.macs[candidate.id]
        return Choice(candidate, factors, option.emitted, before, option.macs, lifted=option.lifted)

    def on_data(self, candidate: Candidate) -> bool:
        """Whether it can be fitted to data: activations observable, bias constant or none."""
        fitted = self.data is not None and self.settings.method.fitted
        own_bias = not candidate.has_bias or candidate.bias_of is not None
        return fitted and own_bias and self.context.in_main_graph(candidate)

    def _choice(
        self, candidate: Candidate, option: Option, before: Sequence[Choice], path: Walk | None
    ) -> Choice:
        factors = self._on_activations(candidate, option, before, path)
        output_error = None if factors is None else factors.relative_error
        if factors is None:
            factors = self._from_weights(candidate, option)
            weight_error = factors.relative_error
        else:
            weight_error = _distance(weight(candidate), factors)
        choice = Choice(
            candidate,
            factors,
            option.emitted,
            macs_before=self.macs[candidate.id],
            macs_after=emit.macs(candidate, factors),
            ns_before=option.ns_before,
            ns_after=option.ns,
            weight_error=weight_error,
            output_error=output_error,
            effect=option.effect,
            lifted=option.lifted,
        )
        return self.ranged(choice, before)

    def _on_activations(
        self, candidate: Candidate, option: Option, before: Sequence[Choice], path: Walk | None
    ) -> Factors | None:
        """Factors fitted to the data; if the time is up, the draft; None if there is neither."""
        if not self.on_data(candidate):
            return None
        assert option.form is not None
        most = self.settings.method.iterations
        try:
            options = self.options(candidate, most, ceil(EARLY * most))
            moments = self.gathering().moments(candidate, before, path)
            return fit_layer(candidate, moments, [(option.form, option.rank)], options)[0]
        except TimeUpError:
            self.watch.leave_out("final fits")
            return self.drafts.get(option_key(candidate, option.form, option.rank))

    def ranged(self, choice: Choice, before: Sequence[Choice] = ()) -> Choice:
        """Observe the ranges between the parts, if these run in integers, on calibration data.

        Parameters
        ----------
        choice
            A choice, whose factors are final.
        before
            Other choices, which precede it.
        """
        candidate = choice.candidate
        known = self.data is not None and self.context.in_main_graph(candidate)
        if candidate.activations is None or self.data is None or not known:
            return choice
        model, inner = observable(self.context.observed, before, choice)
        if not inner:
            return choice
        run = runner(model, self.settings.runtime, list(inner.values()))
        seen: dict[str, tuple[float, float]] = {}
        for feeds in self.data.batches(RANGED):
            for label, value in zip(inner, run(feeds), strict=True):
                low, high = seen.get(label, (np.inf, -np.inf))
                seen[label] = min(low, float(value.min())), max(high, float(value.max()))
        return replace(choice, ranges=seen)

    def _share(self, selection: Selection) -> None:
        """Fit the layers that see no data to their weights, side by side."""
        apart = [one for one in selection if not self.on_data(one[0])]
        layers = {key: one for one in apart if (key := self._alike(*one)) not in self.shared}
        made = side_by_side(lambda one: self._factorized(*one), list(layers.values()))
        for number, (key, (candidate, _)) in enumerate(layers.items(), 1):
            name = candidate.name or candidate.id
            self.watch.tell("fitting", number, len(selection), name)
            self.shared[key] = next(made)

    def _from_weights(self, candidate: Candidate, option: Option) -> Factors:
        """The best factors of the weights; convolutions with the same weights share the object."""
        known = self._alike(candidate, option)
        if known not in self.shared:
            self.shared[known] = self._factorized(candidate, option)
        return self.shared[known]

    def _alike(self, candidate: Candidate, option: Option) -> tuple[object, ...]:
        """Everything that factors of the weights depend on."""
        scale = self._scale(candidate)
        kind = candidate.convolution.group, candidate.op_type, candidate.dense
        rest = None if scale is None else scale.tobytes()
        return candidate.weight_of.key, option.form, option.rank, *kind, rest

    def _factorized(self, candidate: Candidate, option: Option) -> Factors:
        assert option.form is not None
        group, scale = candidate.convolution.group, self._scale(candidate)
        return factorize(weight(candidate), option.form, option.rank, group=group, scale=scale)

    def _scale(self, candidate: Candidate) -> Array | None:
        return self.context.scale(candidate)

    def options(self, candidate: Candidate, most: int, early: int) -> FitOptions:
        """Options of a fit: errors count by their effect on the outputs, or else by the scale."""
        metric = self.sensitivity().get(candidate.id)
        scale = self._scale(candidate) if metric is None else None
        if scale is not None:
            metric = np.diag(scale**2)
        least, largest = RIDGES
        ridge = min(max(least, RIDGED / len(self.data)), largest) if self.data else least
        return FitOptions(ridge, most, early=early, metric=metric, check=self.watch.check)

    def reach(self, candidate: Candidate, moments: Moments) -> float | None:
        """Effect on the network's output of an error as large as the layer's own output."""
        metric = self.sensitivity().get(candidate.id)
        if metric is None:
            return None
        group, own = moments.target_mean.shape
        blocks = metric.reshape(group, own, group, own)
        return float(np.einsum("gigj,gij->", blocks, moments.target_covariance))

    def sensitivity(self) -> Metrics:
        """Computed once for all candidates, when the first of them is fitted."""
        if self.metrics is None:
            self.metrics = {}
            if self.data is not None and self.settings.method.sensitive:
                candidates, runtime = self.candidates, self.settings.runtime
                try:
                    seed, watch = self.settings.seed, self.watch
                    parts, data = self.parts, self.data
                    made = sensitivities(
                        self.context, candidates, data, runtime, parts, seed, watch
                    )
                    self.metrics, self.gradients = made.metrics, made.gradients
                except SepcostError as error:  # fits improve with metrics, but work without
                    self.watch.tell(f"fitting without gradients: {error}")
        return self.metrics

    def gathering(self) -> Gathering:
        """What runs the calibration data, of which there must be some."""
        assert self.data is not None
        return Gathering(self.context, self.settings, self.data, self.watch)


def _distance(original: Array, factors: Factors) -> float:
    size = float(np.linalg.norm(original))
    return float(np.linalg.norm(original - reconstruct(factors))) / size if size else 0.0
