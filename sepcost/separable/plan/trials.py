"""Plans put to the test: built, run beside the original, timed beside the original."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sepcost.latency.jobs import ModelFile
from sepcost.model.load import Loaded
from sepcost.model.save import save
from sepcost.network import Value
from sepcost.separable.factors.kernels import Factors
from sepcost.separable.plan.choices import Choice, Curve, Selection
from sepcost.separable.plan.fitting import Fitter, Key
from sepcost.separable.plan.menu import Menu, Option
from sepcost.separable.plan.timing import time_files
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import Effect, Reference, effect
from sepcost.separable.settings import Aim, ConvertSettings, OnProgress

_LAUNCHES = 3
_SLICE_S = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One plan carried out."""

    choices: tuple[Choice, ...]
    model: Loaded
    effect: Effect


@dataclass(slots=True, eq=False)
class Trials:
    """Carries plans out and remembers what came of them."""

    fitter: Fitter
    settings: ConvertSettings
    beside: Reference  # what results are judged on: samples that took no part in the fit
    weigh: Reference  # what plans are chosen on: all samples
    inputs: tuple[Value, ...]
    tell: OnProgress
    done: dict[tuple[Key, ...], Trial] = field(default_factory=dict)
    ratios: dict[tuple[Key, ...], float] = field(default_factory=dict)
    correction: float = 1.0  # what a longer measurement found of the speed seen here

    def at(self, curve: Curve, place: int) -> Trial:
        """Carry out one point of a curve."""
        return self.of(curve.selection(place))

    def of(self, selection: Selection) -> Trial:
        """Carry out any selection."""
        key = name(selection)
        if key not in self.done:
            self.done[key] = self.built(self.fitter.choices(selection))
        return self.done[key]

    def built(self, choices: Sequence[Choice]) -> Trial:
        """Put choices into the model and hold its outputs against the original's."""
        model = separate(self.fitter.context.loaded, choices)
        if not self.beside.batches:
            return Trial(tuple(choices), model, Effect(None, 0.0))
        self.tell("comparing the outputs")
        run = runner(model, self.fitter.settings.runtime)
        return Trial(tuple(choices), model, effect(run, self.beside))

    def weighed(self, trial: Trial) -> float:
        """What a plan loses on all samples: twice as sure as on the few that judge it."""
        if self.weigh is self.beside:
            return trial.effect.loss
        return effect(runner(trial.model, self.fitter.settings.runtime), self.weigh).loss

    def speedup(self, selection: Selection) -> float:
        """How many times faster a selection runs than the original, measured in turns."""
        key = name(selection)
        if key not in self.ratios:
            trial = self.of(selection)
            self.tell("timing the network")
            before, after = self.times([self.fitter.context.loaded, trial.model])
            self.ratios[key] = before / after
        return self.ratios[key] * self.correction

    def times(self, models: Sequence[Loaded]) -> list[float]:
        """Latencies of networks that take turns, ns."""
        with tempfile.TemporaryDirectory(prefix="sepcost-") as folder:
            files = [
                on_disk(model, Path(folder) / f"{number}.onnx", self.inputs)
                for number, model in enumerate(models)
            ]
            return time_files(files, self.settings.runtime, _LAUNCHES, _SLICE_S)

    def effects(self, menus: Sequence[Menu], factors: dict[Key, Factors]) -> tuple[Menu, ...]:
        """Measure what each option alone does to the network's output."""
        return tuple(
            replace(
                menu, options=tuple(self._alone(menu, option, factors) for option in menu.options)
            )
            for menu in menus
        )

    def _alone(self, menu: Menu, option: Option, factors: dict[Key, Factors]) -> Option:
        candidate = menu.candidate
        made = factors.get((candidate.id, str(option.form), option.rank))
        if made is None:
            return option
        self.tell(f"weighing {candidate.name or candidate.id}: {option.form} {option.rank}")
        choice = Choice(candidate, made, option.emitted, 0, 0)
        model = separate(self.fitter.context.loaded, [choice])
        found = effect(runner(model, self.fitter.settings.runtime), self.weigh)
        by_error = self.settings.goal.aim is Aim.MAX_ERROR
        return replace(option, effect=found.relative_error**2 if by_error else found.loss)


def name(selection: Selection) -> tuple[Key, ...]:
    """What tells one selection from another."""
    return tuple((c.id, f"{o.form}/{o.emitted}", o.rank) for c, o in selection)


def on_disk(model: Loaded, path: Path, inputs: tuple[Value, ...]) -> ModelFile:
    """Write a model where a session can read it from."""
    save(model, path)
    return ModelFile(path.stem, path, inputs)
