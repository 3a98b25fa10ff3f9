"""The result of a conversion: verified, timed and compared with the prediction."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import starmap
from pathlib import Path

from sepcost.cost.count import count
from sepcost.errors import MeasurementError, TimeUpError
from sepcost.latency import measure
from sepcost.latency.hosts.place import place
from sepcost.latency.results import Bench
from sepcost.latency.settings import OnProgress, Progress, Settings
from sepcost.model.describe import describe
from sepcost.model.load import Loaded
from sepcost.separable import floors
from sepcost.separable.conversion import Conversion
from sepcost.separable.data.samples import Feeds
from sepcost.separable.find.candidates import Skip
from sepcost.separable.goal_check import not_met
from sepcost.separable.plan import forecast
from sepcost.separable.plan.choices import Choice, Forecast, Plan
from sepcost.separable.plan.goals import Solved
from sepcost.separable.plan.timing import timed_choices
from sepcost.separable.plan.trials import on_disk
from sepcost.separable.runs.output_loss import UNCHANGED
from sepcost.separable.runs.sensitivity import UNREAD
from sepcost.separable.session import Session
from sepcost.separable.settings import Aim
from sepcost.separable.verify import compare
from sepcost.separable.watch import MEASURED, Watch

LAUNCHES = 3  # of the final measurement, at least: enough where they agree
PRECISION = 0.02  # half-width of the interval at which it ends


def finished(session: Session, found: Solved, timed: Conversion | None = None) -> Conversion:
    """Verify the plan's model and measure its latency.

    Parameters
    ----------
    session, found
        The plan, carried out.
    timed
        A result with the same plan and other factors, whose times are reused.
    """
    choices = found.trial.choices
    if not choices:
        return unconverted(
            session, "every replacement loses too much for what it saves", met=found.met
        )
    settings, wanted, model = session.settings, session.wanted, found.trial.model
    network = describe(model, **wanted.sizes)  # as the original was
    after = count(network, session.before.source)
    fidelity = bench = None
    if settings.verify:
        runtime, known = session.fitter.settings.runtime, session.trials.judged_on.answers
        fidelity = compare(session.loaded, model, _told(session), runtime=runtime, answers=known)
        bench = timed.latency if timed else _latency(session, model)
        choices = _as_timed(choices, timed) if timed else _timed(session, choices)
    plan = Plan(
        settings.goal,
        choices,
        (*session.candidates.skips, *_left(session, found)),
        _forecast(session, found),
        found.curve.allocation,
    )
    result = Conversion(
        session.before.source,
        plan,
        session.before,
        after,
        session.inputs,
        found.trial.effect,
        fidelity,
        bench,
        found.measured,
        notes=tuple(dict.fromkeys([*session.notes, *_unreached(session), *_coarse(choices)])),
        gradients=session.fitter.gradients,
        also=settings.also,
    )
    missed = not_met(session, result, found)
    return replace(result, missed=missed or _below(session, result), met=missed is None)


def _told(session: Session) -> Iterator[Feeds]:
    batches = session.trials.judged_on.batches
    for number, feeds in enumerate(batches, 1):
        session.watch.tell("verifying", number, len(batches))
        yield feeds


def _as_timed(choices: tuple[Choice, ...], timed: Conversion) -> tuple[Choice, ...]:
    """Choices with the times of the same ones before their factors changed."""
    pairs = zip(choices, timed.plan.choices, strict=True)
    return tuple(replace(a, ns_before=b.ns_before, ns_after=b.ns_after) for a, b in pairs)


def _timed(session: Session, choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """Time each converted layer before and after, as far as that is possible."""
    try:
        watch = session.watch.within(MEASURED)
        return timed_choices(choices, session.before.network, session.settings.runtime, watch)
    except TimeUpError:
        session.watch.leave_out("times of single layers")
        return choices
    except MeasurementError as error:
        session.notes.append(f"single layers could not be timed: {error}")
        return choices


def _unreached(session: Session) -> Iterator[str]:
    """The note on convolutions that gradients do not reach."""
    known = session.fitter.gradients
    if known is not None and known.reached < known.of:
        left = known.of - known.reached
        ends = ", ".join(starmap(_stop, known.stopped_by.items()))
        noun = "layers" if session.settings.dense else "convolutions"
        yield (
            f"gradients could be computed for only {known.reached} of {known.of} {noun}; "
            f"the other{'s are' if left > 1 else ' is'} planned without them "
            f"({ends})"
        )


def _stop(operator: str, count: int) -> str:
    """Why gradients do not reach some convolutions."""
    if operator == UNREAD:
        return f"{count} not connected to any output"
    return f"{count} stopped by {operator}"


def _coarse(choices: Sequence[Choice]) -> Iterator[str]:
    """The note on quantised values whose ranges were not observed."""
    blind = sum(one.candidate.activations is not None and not one.ranges for one in choices)
    if blind:
        yield (
            f"{blind} quantised convolution{'s' * (blind != 1)}: values between the parts have the "
            "widest ranges that the weights allow; with --calibrate DATA they are measured"
        )


def _left(session: Session, found: Solved) -> list[Skip]:
    chosen = {choice.candidate.id for choice in found.trial.choices}
    menus = {menu.candidate.id: menu for menu in found.curve.menus}
    left = []
    for one in session.candidates.eligible:
        if one.id not in chosen:
            offers = len(menus[one.id].options) > 1 if one.id in menus else True
            reason = "loses too much for what it saves" if offers else "no form is cheaper"
            left.append(Skip(one.id, one.name, one.op_type, reason))
    return left


def _forecast(session: Session, found: Solved) -> Forecast:
    macs = forecast.macs(session.before, found.trial.choices)
    point = found.curve.points[found.place] if found.curve.points else None
    if point is None:
        return Forecast(macs)
    effects = [choice.effect for choice in found.trial.choices]
    known = [effect for effect in effects if effect is not None]
    loss = sum(known) if known and len(known) == len(effects) else point.loss
    return Forecast(macs, loss, found.ns, found.predicted_speedup)


def _latency(session: Session, model: Loaded) -> Bench:
    """Measure the original and the converted model in turns, as ``bench`` does."""
    asked = session.settings.runtime
    settings = Settings(
        providers=asked.providers,
        provider_options=asked.provider_options,
        session_options=asked.session_options,
        threads=asked.threads,
        max_time_s=session.settings.latency_time_s,
        min_launches=LAUNCHES,
        precision_target=PRECISION,
        host=asked.host,
    )
    with tempfile.TemporaryDirectory(prefix="sepcost-") as folder, place(asked.host) as where:
        values = session.before.network.inputs
        names = ("original", "converted")
        files = [
            replace(on_disk(one, Path(folder) / f"{name}.onnx", values), name=name)
            for name, one in zip(names, (session.loaded, model), strict=True)
        ]
        watch = session.watch.within(MEASURED)
        return measure.bench(
            files,
            settings,
            _heard(watch),
            execute=where.execute,
            over=lambda: watch.over,
            facts_of=where.facts,
        )


def _heard(watch: Watch) -> OnProgress:
    def heard(progress: Progress) -> None:
        number, of = progress.launch + 1, progress.min_launches
        watch.tell("measuring the latency", number, max(number, of))

    return heard


def _below(session: Session, result: Conversion) -> str | None:
    """The minimum requirement that is not met; None if all are met."""
    settings = session.settings
    lost = floors.broken(result.effect, settings, result.inputs)
    kept = session.wanted.target is None or settings.random_init
    return lost or (None if kept else floors.slower(result.speedup))


def unconverted(session: Session, why: str, *, met: bool = True) -> Conversion:
    """The result of a conversion that changes nothing, with the reason.

    It saves nothing. A file that was asked for and is not written counts as a goal that is not met.
    """
    cost, wanted = session.settings.cost_goal, session.wanted
    goal = cost or session.settings.goal
    missed = not met or (cost is not None and cost.aim is not Aim.RANK)
    same = Forecast(session.before.totals.macs, 0.0)
    plan = Plan(session.settings.goal, (), session.candidates.skips, same)
    words = goal.not_met(f"but {why}") if missed else None
    if wanted.target is not None and not wanted.copy_unchanged:
        older = " (the existing file is older)" if wanted.target.exists() else ""
        words = f"{words or f'nothing was converted: {why}'}; {wanted.target} was not written"
        words += f"{older}; --copy-unchanged writes the original"
    return Conversion(
        session.before.source,
        plan,
        session.before,
        session.before,
        session.inputs,
        UNCHANGED,
        missed=words,
        met=not missed,
        also=session.settings.also,
        notes=(*session.notes, f"nothing worth converting: {why}"),
    )
