"""The protocol of a measurement: launches of child processes, a stopping rule, the results.

Each launch is a new process that holds the sessions of all models and yields one number for each.
Launches continue until the interval is as narrow as the target or the time is up, but never until
a difference is significant: that would find differences where there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

from sepcost.latency import advice, child, machine, stats
from sepcost.latency.estimates import Launch, compare, estimate, latencies, precision, ratios
from sepcost.latency.jobs import Job, ModelFile
from sepcost.latency.results import (
    ArenaUse,
    Bench,
    LayerTime,
    Machine,
    Measurement,
    Memory,
    OutputDifference,
    Peaks,
)
from sepcost.latency.settings import OnProgress, Progress, Settings, check, documented
from sepcost.latency.sides import Side, placement_of, refuse_fallback, sides
from sepcost.latency.stats import Interval, Samples

Message = Mapping[str, Any]
Execute = Callable[[Job, float, child.OnStage], Message]


PEAKS_S = 3.0  # duration of measuring the machine's peaks if runs are short


def bench(
    models: Sequence[ModelFile],
    settings: Settings | None = None,
    on_progress: OnProgress | None = None,
    execute: Execute = child.execute,
    over: Callable[[], bool] = lambda: False,
    facts_of: Callable[[], Machine] = machine.facts,
) -> Bench:
    """Measure one model, or several against a baseline.

    Parameters
    ----------
    models
        ONNX files with static inputs; several are interleaved in the same processes.
    settings
        How to measure.
    on_progress
        Called with each message of a child and after each launch.
    execute
        Runs one job; tests replace it.
    over
        Asked after each launch: whether two are enough.
    facts_of
        Describes the machine on which ``execute`` runs jobs.

    Raises
    ------
    MeasurementError
        A provider is missing or runs none of a model's nodes, or a model crashes, hangs or runs
        out of memory; in strict mode also if some nodes fell back to another provider.
    SepcostError
        A model, an input or a setting is at fault.
    """
    settings = settings or Settings()
    check(settings, len(models))
    facts = facts_of()
    compared = sides(models, settings)
    session = _Session(compared, settings, on_progress or (lambda _: None), execute, over)
    probes = [session.probe(side) for side in compared]
    facts = replace(facts, onnxruntime=probes[0]["onnxruntime"])
    refuse_fallback(compared, probes)
    if settings.machine:
        facts = replace(facts, peaks=session.peaks(facts))
    session.measure()
    return session.result(facts, probes)


@dataclass(slots=True)
class _Session:
    """One call of ``bench``: its settings, and the launches so far."""

    sides: Sequence[Side]
    settings: Settings
    on_progress: OnProgress
    execute: Execute
    over: Callable[[], bool]
    launches: list[Launch] = field(default_factory=list)
    latencies: tuple[Interval, ...] = ()  # after the last launch, as children measure undisturbed
    ratios: tuple[Interval, ...] = ()
    started: float = field(default_factory=monotonic)

    @property
    def elapsed_s(self) -> float:
        return monotonic() - self.started

    def _run(self, task: str, settings: Settings, *models: ModelFile, **changes: Any) -> Message:
        inputs = Path(settings.inputs) if settings.inputs else None
        job = Job(task, models, settings.runtime, inputs, settings.seed)
        return self.execute(replace(job, **changes), settings.timeout_s, self._tell)

    def _tell(self, stage: Message) -> None:
        self.on_progress(
            Progress(
                doing=stage["stage"],
                model=stage["model"],
                launch=len(self.launches),
                min_launches=self.settings.min_launches,
                elapsed_s=self.elapsed_s,
                latencies=self.latencies,
                ratios=self.ratios,
            )
        )

    def probe(self, side: Side) -> Message:
        """Run a model alone first, so that its problems are reported by name."""
        return self._run("probe", side.settings, side.model)

    def peaks(self, facts: Machine) -> Peaks:
        """The machine's peaks, from the cache or measured."""
        runtime = self.settings.runtime
        if known := machine.recall(facts, runtime):
            return known
        peaks = Peaks(**self._run("peaks", self.settings, slice_s=self.settings.max_time_s))
        if self.settings.max_time_s >= PEAKS_S:  # shorter measurements are too noisy to keep
            machine.remember(facts, runtime, peaks)
        return peaks

    def measure(self) -> None:
        """Launch until the stopping rule applies."""
        begun = monotonic()
        while not self._enough(monotonic() - begun):
            self._launch(len(self.launches))
            self._tell({"stage": "launched", "model": ""})

    def _enough(self, spent: float) -> bool:
        done, settings = len(self.launches), self.settings
        if done >= settings.max_launches:
            return True
        another = spent / done if done else 0.0
        if done >= 2 and (self.over() or spent + another > settings.max_time_s):
            return True
        if done < settings.min_launches:
            return False
        return precision(self.launches, settings.baseline) <= settings.precision_target

    def _launch(self, number: int) -> None:
        """One process for each set of providers, in a different order each time."""
        sets = self.settings.each_set()
        size = len(self.sides) // len(sets)
        samples: dict[int, Samples] = {}
        for at in creation_order(len(sets), number):
            samples |= self._processed(number, range(at * size, (at + 1) * size))
        self.launches.append(tuple(samples[i] for i in range(len(self.sides))))
        self.latencies = tuple(latencies(self.launches))
        self.ratios = tuple(ratios(self.launches, self.settings.baseline).values())

    def _processed(self, number: int, indices: range) -> dict[int, Samples]:
        """Hold all sessions of one set in one process, created in a different order each time."""
        order = [indices[i] for i in creation_order(len(indices), number)]
        models = [self.sides[i].model for i in order]
        timed = self._run("launch", self.sides[order[0]].settings, *models, launch=number)
        return {i: _samples(one) for i, one in zip(order, timed["samples"], strict=True)}

    def result(self, facts: Machine, probes: Sequence[Message]) -> Bench:
        """Assemble the results of all launches."""
        launches, settings = self.launches, self.settings
        target = settings.precision_target
        reached = precision(launches, settings.baseline)
        names = [side.name for side in self.sides]
        asked = [name for one in settings.each_set() for name in one.runtime.providers]
        return Bench(
            machine=facts,
            providers=tuple(dict.fromkeys(asked)),
            threads=settings.threads,
            models=tuple(self._measurement(i, probe) for i, probe in enumerate(probes)),
            comparisons=tuple(compare(names, launches, settings.baseline, target)),
            precision=reached,
            elapsed_s=self.elapsed_s,
            warnings=(
                *advice.of_machine(facts, settings.threads, len(probes)),
                *advice.of_versions(facts),
                *advice.of_precision(reached, target, len(launches)),
            ),
            settings=documented(settings),
        )

    def _measurement(self, index: int, probe: Message) -> Measurement:
        """Assemble the results of one model."""
        samples = tuple(launch[index] for launch in self.launches)
        latency, statistics = estimate([(s,) for s in samples])
        placement = placement_of(probe)
        differences = tuple(OutputDifference(*d) for d in probe["differences"])
        side = self.sides[index]
        asked = side.settings.runtime.providers
        wall = [ns for s in samples for ns in s.wall_ns]
        counted = [n for s in samples for n in s.switches]
        layers, arena, unknown = self._layers(side, latency.estimate)
        return Measurement(
            name=side.name,
            providers=asked,
            latency=latency,
            statistics=statistics,
            percentiles={p: stats.percentile(wall, p) for p in self.settings.percentiles},
            runs=len(wall),
            undisturbed=counted.count(0) / len(counted) if counted else None,
            create_ns=probe["create_ns"],
            first_run_ns=probe["first_run_ns"],
            memory=Memory(*probe["memory"]) if probe["memory"] else None,
            placement=placement,
            differences=differences,
            samples=samples,
            layers=layers,
            warnings=(
                *probe["warnings"],
                *advice.of_fallback(placement, asked),
                *advice.of_differences(differences, asked[0]),
                *advice.of_statistics(statistics, samples),
                *unknown,
            ),
            arena=arena,
        )

    def _layers(
        self, side: Side, latency: float
    ) -> tuple[tuple[LayerTime, ...], ArenaUse | None, tuple[str, ...]]:
        """Profile in a separate session; its proportions are applied to the unprofiled latency.

        Where kernels run asynchronously, the reason is given instead of times.
        """
        if not self.settings.layers:
            return (), None, ()
        found = self._run("profile", side.settings, side.model)
        timed = tuple(LayerTime(**row | {"nodes": tuple(row["nodes"])}) for row in found["layers"])
        arena = ArenaUse(**found["arena"]) if found["arena"] else None
        if reasons := tuple(advice.of_coverage(timed, latency)):
            return (), arena, reasons
        return tuple(replace(row, time_ns=row.share * latency) for row in timed), arena, ()


def _samples(timed: Message) -> Samples:
    return Samples(tuple(timed["wall_ns"]), tuple(timed["switches"]), tuple(timed["cpu_ns"]))


def creation_order(models: int, launch: int) -> list[int]:
    """Order of sessions: every model gets every position equally often; two models alternate.

    >>> [creation_order(2, n) for n in range(3)]
    [[0, 1], [1, 0], [0, 1]]
    """
    order = [(launch + i) % models for i in range(models)]
    return order if models < 3 or launch // models % 2 == 0 else order[::-1]
