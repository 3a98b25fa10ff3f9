"""What a conversion is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sepcost.errors import ConversionError
from sepcost.latency.jobs import Runtime
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.factors.blocks import Form
from sepcost.separable.rewrite.emit import EMITTED

#: Says what goes on, for a line on the screen.
OnProgress = Callable[[str], None]

FULL = "full"
FORMS = tuple(form for form in Form if form is not Form.BOTTLENECK)


class Aim(StrEnum):
    """The kinds of goals."""

    RANK = "rank"  # every convolution at one rank, whatever it costs
    MAX_ERROR = "max-error"  # the cheapest within a relative error of the output
    MAX_DROP = "max-drop"  # the cheapest within a loss of top-1
    SPEEDUP = "speedup"  # the best at a measured speed-up
    MACS = "macs"  # the best at a share of the MACs


@dataclass(frozen=True, slots=True)
class Goal:
    """One aim and how far: a rank (0 is full), an error, a drop, a factor or a share."""

    aim: Aim = Aim.MAX_ERROR
    value: float = 0.02

    def __post_init__(self) -> None:
        """Take an aim by its name too."""
        if self.aim not in set(Aim):
            raise ConversionError(f"no goal is called {self.aim!r}; choose from {', '.join(Aim)}")
        object.__setattr__(self, "aim", Aim(self.aim))

    @property
    def words(self) -> str:
        """The goal as one would type it."""
        full = self.aim is Aim.RANK and not self.value
        return f"--{self.aim} {FULL if full else format(self.value, 'g')}"


class Saving(StrEnum):
    """What a layer has to save to be replaced."""

    MACS = "macs"
    LATENCY = "latency"


@dataclass(frozen=True, slots=True)
class ConvertSettings:
    """How to convert. The parts of the method can be switched off to see what each is worth."""

    goal: Goal = field(default_factory=Goal)
    by: Saving | None = None  # latency for a speed-up, else MACs
    only: Sequence[str] = ()  # globs of names or ids
    skip: Sequence[str] = ()
    forms: Sequence[Form] = FORMS
    form: str | None = None  # emitted: a key of ``emit.EMITTED``; None is the fastest known
    random_init: bool = False
    calibrate: Path | None = None
    images: ImageFormat = field(default_factory=ImageFormat)
    bind: Mapping[str, int] = field(default_factory=dict)
    shape: Mapping[str, Sequence[int]] = field(default_factory=dict)
    inputs: Path | None = None  # to verify on, one array an input
    runtime: Runtime = field(default_factory=Runtime)
    verify: bool = True
    max_time_s: float = 30.0  # of the final latency measurement
    seed: int = 0
    asymmetric: bool = True  # later layers see, and undo, the errors of earlier ones
    fitted: bool = True  # factors fitted to data, where there are data
    sensitive: bool = True  # errors of a layer count as they reach the outputs, where known
    by_effect: bool = True  # losses are effects on the network's output, where there are data
    positions: int = 24  # sampled from each calibration image
    iterations: int = 100  # of each fit, at most

    @property
    def cost(self) -> Saving:
        """What the plan saves."""
        return self.by or (Saving.LATENCY if self.goal.aim is Aim.SPEEDUP else Saving.MACS)


def check(settings: ConvertSettings) -> None:
    """Refuse what no conversion can follow.

    Raises
    ------
    ConversionError
        One line that says which setting, and what it has to be.
    """
    goal = settings.goal
    rank = goal.aim is Aim.RANK
    wrong = {
        f"{goal.words}: a rank is a whole number from 1 up, or full": rank
        and (goal.value < 0 or goal.value != int(goal.value)),
        f"{goal.words}: must be above 0": not rank and not goal.value > 0,
        f"{goal.words}: must be below 1": goal.aim in {Aim.MACS, Aim.MAX_DROP} and goal.value >= 1,
        f"{goal.words}: must be above 1": goal.aim is Aim.SPEEDUP and goal.value <= 1,
        "--max-drop needs --calibrate with labels": goal.aim is Aim.MAX_DROP
        and settings.calibrate is None,
        "--init random goes with --rank: fresh weights keep no function": settings.random_init
        and not rank,
        f"--form {settings.form}: choose from {', '.join(EMITTED)}": settings.form is not None
        and settings.form not in EMITTED,
        "--forms: name at least one": not settings.forms,
    }
    for message, applies in wrong.items():
        if applies:
            raise ConversionError(message)
