"""Trials of plans: built, and compared with the original in outputs and latency."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sepcost.errors import MeasurementError, TimeUpError
from sepcost.latency.jobs import ModelFile
from sepcost.model.load import Loaded
from sepcost.model.save import save
from sepcost.network import Value
from sepcost.separable.plan.choices import Choice, Curve, Selection
from sepcost.separable.plan.fitting import Fitter
from sepcost.separable.plan.layer_times import time_files
from sepcost.separable.plan.menu import Key
from sepcost.separable.plan.timing import faster_in_2d
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import UNKNOWN, Effect, Reference, effect
from sepcost.separable.settings import ConvertSettings
from sepcost.separable.watch import Watch

_LAUNCHES = 3
_SLICE_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One plan carried out."""

    choices: tuple[Choice, ...]
    model: Loaded
    effect: Effect


@dataclass(slots=True, eq=False)
class Trials:
    """Carries plans out and caches the results."""

    fitter: Fitter
    settings: ConvertSettings
    judged_on: Reference  # results are judged on it: held-out samples if there are data
    chosen_on: Reference  # plans are chosen on it: the samples that are fitted to
    inputs: tuple[Value, ...]
    watch: Watch
    done: dict[tuple[Key, ...], Trial] = field(default_factory=dict)
    sketches: dict[tuple[Key, ...], Trial] = field(default_factory=dict)
    ratios: dict[tuple[Key, ...], float] = field(default_factory=dict)
    correction: float = 1.0  # speed-up in the final measurement over the one measured here
    surplus: float = 1.0  # the last speed-up measured over the one predicted

    def at(self, curve: Curve, place: int) -> Trial:
        """Carry out one point of a curve."""
        return self.of(curve.selection(place))

    def of(self, selection: Selection) -> Trial:
        """Carry out any selection."""
        key = name(selection)
        if key not in self.done:
            self.done[key] = self.built(self.fitter.choices(selection))
        return self.done[key]

    def sketched(self, curve: Curve, place: int) -> Trial:
        """One point with each layer as fitted alone, to compare plans before the final fits."""
        selection = curve.selection(place)
        if not all(self.fitter.drafted(*one) for one in selection):
            return self.of(selection)
        key = name(selection)
        if key not in self.sketches:
            drafts = [self.fitter.draft(candidate, option) for candidate, option in selection]
            self.sketches[key] = self.built([self.fitter.ranged(one) for one in drafts])
        return self.sketches[key]

    def built(self, choices: Sequence[Choice]) -> Trial:
        """Build the model with these choices and compare its outputs with the original's."""
        if self.settings.verify:
            choices = self.written_faster(choices)
        model = separate(self.fitter.context.loaded, choices)
        if not self.judged_on.batches:
            return Trial(tuple(choices), model, UNKNOWN)
        batches = len(self.judged_on.batches)
        run = runner(model, self.fitter.settings.runtime)
        run = self.watch.told(run, "comparing the outputs", batches)
        return Trial(tuple(choices), model, effect(run, self.judged_on))

    def written_faster(self, choices: Sequence[Choice]) -> Sequence[Choice]:
        """Write 1-D convolutions in 2-D where that is faster; as they are if timing fails."""
        try:
            return faster_in_2d(
                choices, self.fitter.context.network, self.settings.runtime, self.watch
            )
        except (MeasurementError, TimeUpError):
            return choices

    def selection_loss(self, trial: Trial) -> float:
        """Loss of a plan on the samples that plans are chosen on."""
        if self.chosen_on is self.judged_on:
            return trial.effect.loss
        return effect(runner(trial.model, self.fitter.settings.runtime), self.chosen_on).loss

    def speedup(self, selection: Selection) -> float:
        """Speed-up of a selection over the original, measured in turns.

        Times do not depend on the values of the factors, so nothing is fitted for it.

        Raises
        ------
        TimeUpError
            The time is up.
        """
        key = name(selection)
        if key not in self.ratios:
            self.watch.tell("timing the network")
            original = self.fitter.context.loaded
            drafts = [self.fitter.draft(candidate, option) for candidate, option in selection]
            before, after = self.times([original, separate(original, drafts)], self.watch)
            self.ratios[key] = before / after
        return self.ratios[key] * self.correction

    def times(self, models: Sequence[Loaded], watch: Watch) -> list[float]:
        """Latencies of networks that take turns, in ns; raises as ``speedup``."""
        with tempfile.TemporaryDirectory(prefix="sepcost-") as folder:
            files = [
                on_disk(model, Path(folder) / f"{number}.onnx", self.inputs)
                for number, model in enumerate(models)
            ]
            runtime = self.settings.runtime
            return time_files(files, runtime, lambda _: watch.check(), _LAUNCHES, _SLICE_S)


def name(selection: Selection) -> tuple[Key, ...]:
    """Key that identifies a selection."""
    return tuple((c.id, f"{o.form}/{o.emitted}", o.rank) for c, o in selection)


def on_disk(model: Loaded, path: Path, inputs: tuple[Value, ...]) -> ModelFile:
    """Save a model for a session to read."""
    save(model, path)
    return ModelFile(path.stem, path, inputs)
