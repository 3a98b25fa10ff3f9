"""Settings of a conversion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from sepcost.errors import ConversionError, SepcostError
from sepcost.latency.jobs import Runtime
from sepcost.latency.providers import provider
from sepcost.model.walk_state import Observation
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.factors.blocks import Form
from sepcost.separable.quality.metrics import metric
from sepcost.separable.rewrite.emit import EMITTED

FULL = "full"
FORMS = tuple(form for form in Form if form is not Form.BOTTLENECK)


class Aim(StrEnum):
    """Kinds of goals."""

    RANK = "rank"  # every convolution at one rank, whatever it costs
    MAX_ERROR = "max-error"  # the cheapest model within a relative error of the output
    MAX_DROP = "max-drop"  # the cheapest model within a loss of quality, by the metric
    SPEEDUP = "speedup"  # the most accurate model at a measured speed-up
    MACS = "macs"  # the most accurate model at a share of the MACs
    PARAMS = "params"  # the most accurate model at a share of the params


#: Goals that limit what is lost; the others limit what the model costs.
QUALITY = frozenset({Aim.MAX_ERROR, Aim.MAX_DROP})

NOT_MET = "goal not met"  # starts the message


@dataclass(frozen=True, slots=True)
class Goal:
    """One aim and its value: a rank (0 is full), an error, a drop, a factor or a share."""

    aim: Aim = Aim.MAX_ERROR
    value: float = 0.02
    typed: str = field(default="", compare=False)  # the value as typed, for messages

    def __post_init__(self) -> None:
        """Also accept the name of an aim."""
        if self.aim not in set(Aim):
            raise ConversionError(f"unknown goal {self.aim!r}; choose from {', '.join(Aim)}")
        object.__setattr__(self, "aim", Aim(self.aim))

    @property
    def words(self) -> str:
        """The goal as an option of the command line."""
        full = self.aim is Aim.RANK and not self.value
        return f"--{self.aim} {self.typed or (FULL if full else format(self.value, 'g'))}"

    def not_met(self, what: str) -> str:
        """The message about a goal that is not met."""
        return f"{NOT_MET}: asked {self.words}, {what}"

    def not_shown(self, what: str) -> str:
        """The message about a goal that the data do not prove."""
        return f"goal not shown to be met: asked {self.words}, {what}"

    def like(self, value: float) -> str:
        """Another value, written as the goal was typed: ``6.7%`` or ``0.067``."""
        return f"{100 * value:.3g}%" if self.typed.endswith("%") else f"{value:.3g}"


class Saving(StrEnum):
    """What replacing a layer must reduce."""

    MACS = "macs"
    PARAMS = "params"
    LATENCY = "latency"


#: What the plans of a cost goal are compared by.
SAVINGS = {Aim.MACS: Saving.MACS, Aim.PARAMS: Saving.PARAMS, Aim.SPEEDUP: Saving.LATENCY}
#: Goals whose costs are counted, not measured.
COUNTED = frozenset({Aim.MACS, Aim.PARAMS})


@dataclass(frozen=True, slots=True)
class Method:
    """How layers are fitted and weighted. Ablations switch parts off to measure each."""

    asymmetric: bool = True  # later layers see, and undo, the errors of earlier ones
    fitted: bool = True  # factors are fitted to calibration data, if there is any
    sensitive: bool = True  # errors of a layer count by their effect on the outputs, if known
    by_effect: bool = True  # losses are measured at the network's outputs, if there is data
    positions: int = 24  # sampled from each calibration image
    iterations: int = 100  # of each fit, at most


@dataclass(frozen=True, slots=True)
class ConvertSettings:
    """How to convert."""

    goal: Goal = field(default_factory=Goal)
    also: Goal | None = None  # a second goal, of the other kind
    metric: str | None = None  # of quality; default: by the model and the data
    class_output: str | None = None  # the name of the output that holds the classes
    reduce: Saving | None = None  # default: latency for a speed-up, else MACs
    only: Sequence[str] = ()  # globs of names or ids
    skip: Sequence[str] = ()
    dense: bool = False  # whether dense layers are converted too, to bottlenecks
    forms: Sequence[Form] = FORMS  # of convolutions
    emit: str | None = None  # a key of ``emit.EMITTED``; default: the fastest known
    random_init: bool = False
    calibrate: str | Path | None = None
    images: ImageFormat = field(default_factory=ImageFormat)
    inputs: str | Path | None = None  # to verify on, one array per input
    runtime: Runtime = field(default_factory=Runtime)
    verify: bool = True
    max_time_s: float | None = None  # of the whole conversion, about; None: no limit
    latency_time_s: float = 30.0  # of the final latency measurement, at most
    seed: int = 0
    tune: int | None = None  # passes of samples; None: if it helps, 0: not at all
    method: Method = field(default_factory=Method)

    @property
    def goals(self) -> tuple[Goal, ...]:
        """All goals: one or two."""
        return (self.goal,) if self.also is None else (self.goal, self.also)

    @property
    def quality(self) -> Goal | None:
        """The quality goal, if there is one."""
        return next((goal for goal in self.goals if goal.aim in QUALITY), None)

    @property
    def cost_goal(self) -> Goal | None:
        """The cost goal, if there is one."""
        return next((goal for goal in self.goals if goal.aim not in QUALITY), None)

    @property
    def searched(self) -> Goal:
        """The goal that the search follows: of two, the cheapest model within the quality."""
        return self.goal if self.also is None else self.quality or self.goal

    @property
    def cost(self) -> Saving:
        """What the plan reduces."""
        wanted = [SAVINGS[goal.aim] for goal in self.goals if goal.aim in SAVINGS]
        return self.reduce or (wanted[0] if wanted else Saving.MACS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The sizes to convert at, and the files to write."""

    bind: Mapping[str, int] = field(default_factory=dict)
    shape: Mapping[str, Sequence[int]] = field(default_factory=dict)
    trips: Mapping[str, int] = field(default_factory=dict)
    observe: bool = False  # run the model once for shapes and trips that depend on data
    observed: Mapping[str, Observation] = field(default_factory=dict)  # what that run showed
    target: Path | None = None  # None: a dry run
    force: bool = False
    copy_unchanged: bool = False  # write the original if nothing is converted
    frontier: bool = False

    @property
    def sizes(self) -> dict[str, Any]:
        """Arguments of ``describe``."""
        return {name: getattr(self, name) for name in ("bind", "shape", "trips", "observed")}


def check(settings: ConvertSettings) -> None:
    """Refuse settings with which nothing can be converted.

    Raises
    ------
    SepcostError
        One line that names the setting and what it must be.
    """
    rank = settings.goal.aim is Aim.RANK
    goals = [goal.aim in QUALITY for goal in settings.goals]
    pair = " and ".join(f"--{goal.aim}" for goal in settings.goals)
    kind = "quality" if all(goals) else "cost"
    wrong = {
        f"{pair}: give only one {kind} goal": len(goals) != len(set(goals)),
        "--init random: needs --rank, the only goal that random weights can meet": (
            settings.random_init and (not rank or settings.also is not None)
        ),
        f"--emit {settings.emit}: choose from {', '.join(EMITTED)}": (
            settings.emit is not None and settings.emit not in EMITTED
        ),
        "--forms: name at least one": not settings.forms,
        f"{settings.images.options}: only for images; add --calibrate FOLDER": (
            settings.calibrate is None and settings.images != ImageFormat()
        ),
        f"--tune {settings.tune}: needs calibration data; add --calibrate DATA": (
            bool(settings.tune) and settings.calibrate is None
        ),
        f"--tune {settings.tune}: must be at least 0": (settings.tune or 0) < 0,
        f"--max-time {settings.max_time_s}: must be above 0": (
            settings.max_time_s is not None and not settings.max_time_s > 0
        ),
    }
    for goal in settings.goals:
        wrong |= _wrong(goal, data=settings.calibrate is not None)
    for message, applies in wrong.items():
        if applies:
            raise ConversionError(message)
    if settings.metric is not None:
        metric(settings.metric)
    for name in settings.runtime.providers:
        _check_provider(name)


def _wrong(goal: Goal, *, data: bool) -> dict[str, bool]:
    """What may be wrong with a goal, and whether it is."""
    rank, value = goal.aim is Aim.RANK, goal.value
    below_one = goal.aim in {*COUNTED, Aim.MAX_DROP}
    return {
        f"{goal.words}: expected a positive integer or full": rank
        and (value < 0 or value != int(value)),
        f"{goal.words}: must be above 0": not rank and not value > 0,
        f"{goal.words}{_too_much(goal)}": below_one and value >= 1,
        f"{goal.words}: must be above 1": goal.aim is Aim.SPEEDUP and value <= 1,
        f"{goal.words}: needs calibration data; add --calibrate DATA": (
            goal.aim is Aim.MAX_DROP and not data
        ),
    }


def _too_much(goal: Goal) -> str:
    """Why a share of 1 or more is refused; a drop of 1 is often meant in points."""
    if goal.aim is not Aim.MAX_DROP or goal.typed.endswith("%"):
        return f": must be below {goal.like(1)}"
    value = goal.value
    return (
        f" means {100 * value:g} points; write {value:g}% (or {value / 100:g}) for {value:g} "
        f"point{'s' * (value != 1)}"
    )


def _check_provider(name: str) -> None:
    try:
        provider(name)
    except SepcostError as error:
        raise ConversionError(f"--provider: {error}") from None
