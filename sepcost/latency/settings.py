"""Settings and progress of a measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from sepcost.errors import SepcostError
from sepcost.latency.jobs import Runtime
from sepcost.latency.providers import CPU, provider, short_name
from sepcost.latency.stats import Interval

LEVELS = ("disable", "basic", "extended", "all")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a measurement. The defaults detect changes of about 2% in ten seconds."""

    providers: tuple[str, ...] = (CPU,)
    provider_options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    threads: int = 1  # 0 leaves it to ONNX Runtime
    optimization_level: str = "all"
    session_options: Mapping[str, str] = field(default_factory=dict)
    precision_target: float = 0.01  # half-width of the 95% interval
    max_time_s: float = 60.0
    min_launches: int = 5
    max_launches: int = 30
    percentiles: tuple[float, ...] = (50, 90, 99)
    timeout_s: float = 120.0  # silence after which a child counts as hanging
    baseline: int = 0  # index of the model to compare with
    seed: int = 0
    layers: bool = False
    machine: bool = False  # the machine's peaks, measured once and cached
    strict: bool = False  # refuse nodes that fell back to another provider
    allow_fallback: bool = False  # measure even if every node fell back to the CPU
    inputs: str | Path | None = None
    host: str | None = None  # an ssh destination: measure on that machine
    beside: tuple[tuple[str, ...], ...] = ()  # other sets of providers to compare with

    @property
    def runtime(self) -> Runtime:
        """Settings of the sessions, with providers by their short names."""
        return Runtime(
            providers=tuple(short_name(provider(p).name) for p in self.providers),
            provider_options=self.provider_options,
            session_options=self.session_options,
            threads=self.threads,
            optimization_level=self.optimization_level,
            host=self.host,
        )

    def each_set(self) -> tuple[Settings, ...]:
        """One per set of providers, with the options of these providers only."""
        if not self.beside:
            return (self,)
        return tuple(
            replace(self, providers=one, beside=(), provider_options=self._options_of(one))
            for one in (self.providers, *self.beside)
        )

    def _options_of(self, names: tuple[str, ...]) -> dict[str, Mapping[str, str]]:
        known = [provider(name) for name in names]
        return {p: given for p, given in self.provider_options.items() if provider(p) in known}


@dataclass(frozen=True, slots=True)
class Progress:
    """The current step, and the estimates so far."""

    doing: str  # "loading", "running", "profiling", ...
    model: str
    launch: int  # finished launches
    min_launches: int
    elapsed_s: float
    latencies: tuple[Interval, ...] = ()
    ratios: tuple[Interval, ...] = ()


OnProgress = Callable[[Progress], None]


def check(settings: Settings, models: int) -> None:
    """Refuse settings with which nothing can be measured."""
    wrong = {
        "no model to measure": not models,
        f"baseline {settings.baseline}: must be the index of one of {models} models": not (
            0 <= settings.baseline < max(models, 1)
        ),
        f"optimization level {settings.optimization_level!r}: choose from {', '.join(LEVELS)}": (
            settings.optimization_level not in LEVELS
        ),
        f"--precision-target {settings.precision_target:g}: expected a share above 0 and below 1, "
        "such as 1% or 0.01": not 0 < settings.precision_target < 1,
        "at least one launch is needed": settings.min_launches < 1 or settings.max_launches < 1,
        "the number of threads cannot be negative": settings.threads < 0,
        "percentiles must be from 0 to 100": any(not 0 <= p <= 100 for p in settings.percentiles),
        "at least one provider is needed": not all((settings.providers, *settings.beside)),
        "layers and the machine's peaks are those of one set of providers": bool(
            settings.beside and (settings.layers or settings.machine)
        ),
    }
    for message, applies in wrong.items():
        if applies:
            raise SepcostError(message)


def documented(settings: Settings) -> dict[str, object]:
    """Return the settings as in the bench document."""
    inputs = str(settings.inputs) if settings.inputs else None
    return asdict(settings) | {"inputs": inputs, "percentiles": list(settings.percentiles)}
