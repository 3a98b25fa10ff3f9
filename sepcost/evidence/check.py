"""The route of ``check``: budgets -> facts, baselines, measurements -> verdicts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sepcost.budget import baseline as stored
from sepcost.budget.apply import Target, targets
from sepcost.budget.config import Config, find, read
from sepcost.budget.judge import NO_BASELINE, Evidence, Leniency, failed, judge
from sepcost.budget.metrics import measured
from sepcost.budget.results import Budget, Check, Facts, Fault, Measured, Rewrite, Verdict
from sepcost.cost.ranges import ranged
from sepcost.errors import BudgetError
from sepcost.evidence.baselines import Against, Finder, needs_baseline, needs_model
from sepcost.evidence.count import Analyze, Model, count, fault
from sepcost.evidence.measure import Measure, MeasureRequest
from sepcost.evidence.sources import expanded


@dataclass(frozen=True, slots=True)
class Question:
    """Models to check, and how; None means as configured."""

    sources: Sequence[str] = ()
    config: Path | None = None  # default: the nearest one, from the working folder upwards
    budgets: Sequence[Budget] = ()  # for every model; they override the configuration
    options: Mapping[str, object] = field(default_factory=dict)  # for counting, likewise
    baseline: str | None = None
    allow_unknown: bool | None = None
    inconclusive: str | None = None
    exact_only: bool = False
    jobs: int | None = None
    update: bool = False
    loosen: bool = False
    host: str | None = None  # the machine that measures, if it is another one


def check(question: Question, analyze: Analyze, measuring: Measure) -> Check:
    """Judge every model by its budgets; a faulty model is an error among the verdicts.

    Parameters
    ----------
    question
        Models, budgets and options.
    analyze
        ``sepcost.analyze``; a module-level function, since other processes call it too.
    measuring
        Called only for models with measured budgets.

    Raises
    ------
    BudgetError
        If the configuration is malformed, there is no model to check, or a revision or a JSON
        baseline cannot be read.
    """
    config = _config(question)
    measure = _measuring(question, config, measuring)
    sources = expanded(question.sources).names
    wanted = _asked(targets(config, sources, question.budgets), question)
    models = [Model(target.name, target.source, target.options) for target in wanted]
    counting = partial(count, analyze=analyze, jobs=question.jobs)
    counted = counting(models)
    facts = [one for one in counted if isinstance(one, Facts)]
    faults = [one for one in counted if isinstance(one, Fault)]
    verdicts: dict[str, tuple[Verdict, ...]] = {one.model: (failed(one),) for one in faults}
    rewrite = _rewrite(question, config, facts) if question.update else None
    with TemporaryDirectory(prefix="sepcost-") as folder:
        finder = Finder(config.folder, Path(folder), _held(rewrite))
        sound = [target for target in wanted if target.name not in verdicts]
        against = finder.find(sound, counting)
        for target, known in zip(sound, facts, strict=True):
            evidence = _evidence(target, known, against[target.name], measure)
            verdicts[target.name] = _judged(target, evidence, config)
            faults += filter(None, (evidence.uncompared, evidence.unmeasured))
    sources = tuple(target.name for target in wanted)
    notes = _notes(wanted, question, config, rewrite)
    ordered = tuple(verdict for source in sources for verdict in verdicts[source])
    return Check(ordered, sources, config.file, notes, rewrite, tuple(faults), question.host)


def _measuring(question: Question, config: Config, measuring: Measure) -> Measure:
    """Measure as configured, on the host asked for."""
    provider, threads, host = config.provider, config.threads, question.host
    return lambda one: measuring(replace(one, provider=provider, threads=threads, host=host))


def _config(question: Question) -> Config:
    path = question.config or find(Path.cwd())
    config = Config(Path.cwd()) if path is None else read(path)
    return replace(config, inconclusive=question.inconclusive or config.inconclusive)


def _asked(wanted: Sequence[Target], question: Question) -> tuple[Target, ...]:
    """Let the command line override the configuration."""
    over = dict(question.options)
    if question.baseline is not None:
        over["baseline"] = question.baseline
    if question.allow_unknown is not None:
        over["allow-unknown"] = question.allow_unknown
    return tuple(
        replace(
            target,
            options={**target.options, **_written(target, question), **over},
            budgets=_left(target, question),
        )
        for target in wanted
    )


def _written(target: Target, question: Question) -> dict[str, object]:
    """If no baseline is named, compare with the one about to be written."""
    unnamed = target.options.get("baseline") is None
    return {"baseline": stored.DEFAULT_NAME} if question.update and unnamed else {}


def _left(target: Target, question: Question) -> tuple[Budget, ...]:
    if not question.exact_only:
        return target.budgets
    return tuple(budget for budget in target.budgets if not measured(budget.metric))


def _judged(target: Target, evidence: Evidence, config: Config) -> tuple[Verdict, ...]:
    allow = bool(target.options.get("allow-unknown"))
    return judge(target.budgets, evidence, Leniency(allow, config.inconclusive))


def _evidence(target: Target, facts: Facts, against: Against, measuring: Measure) -> Evidence:
    """Gather the evidence for one model; a failure is a fault of that model only."""
    wrong = against.fault if any(map(needs_baseline, target.budgets)) else None
    known = Evidence(
        facts,
        against.facts,
        None,
        against.missing or NO_BASELINE,
        against.new,
        observed=bool(target.options.get("observe")),
        uncompared=wrong,
    )
    try:
        return replace(known, measured=_measured(target, against, measuring))
    except Exception as error:
        wrong = fault(target.name, target.source, error)
        return replace(known, unmeasured=replace(wrong, message=against.naming(wrong.message)))


def _measured(target: Target, against: Against, measuring: Measure) -> Measured | None:
    """Measure only if a budget needs it, and the baseline only if a budget compares with it."""
    metrics = frozenset(b.metric for b in target.budgets if measured(b.metric))
    if not metrics:
        return None
    if ranges := ranged(target.options.get("bind", {})):
        name, sizes = next(iter(ranges.items()))
        metric = next(budget.metric for budget in target.budgets if budget.metric in metrics)
        raise BudgetError(
            f"{metric} is measured at one size, not over a range; bind one, such as "
            f"{name}={sizes[-1]}"
        )
    compares = any(needs_model(budget) for budget in target.budgets)
    before = [against.source] if compares and against.source else []
    sources = [*before, target.source]
    return measuring(MeasureRequest(sources, metrics, target.options))


def _rewrite(question: Question, config: Config, facts: Sequence[Facts]) -> Rewrite:
    """Prepare the baseline file; nothing is written here."""
    name = question.baseline or config.baseline or stored.DEFAULT_NAME
    if not name.endswith(".json"):
        raise BudgetError(
            f"--update writes a JSON file, but the baseline is {name!r}; give "
            f"--baseline {stored.DEFAULT_NAME}"
        )
    path = config.folder / name
    old = _readable(path, question.loosen) if path.exists() else {}
    update = stored.updated(old, facts, question.loosen)
    return Rewrite(os.path.relpath(path), update.text, update.kept)


def _readable(path: Path, loosen: bool) -> stored.Stored:
    try:
        return stored.read(path)
    except BudgetError:
        if loosen:
            return {}
        raise


def _held(rewrite: Rewrite | None) -> dict[Path, dict[str, dict[str, int]]]:
    """The new content of the baseline file, which the models are judged by."""
    if rewrite is None:
        return {}
    return {Path(os.path.abspath(rewrite.path)): stored.parsed(rewrite.text, Path(rewrite.path))}


def _notes(
    wanted: Sequence[Target], question: Question, config: Config, rewrite: Rewrite | None
) -> tuple[str, ...]:
    notes = []
    if rewrite and rewrite.kept:
        notes.append(
            f"{rewrite.path}: kept {len(rewrite.kept)} stricter "
            f"{'value' if len(rewrite.kept) == 1 else 'values'} "
            f"({', '.join(rewrite.kept[:3])}{', …' if len(rewrite.kept) > 3 else ''}); "
            "--loosen raises them"
        )
    if rewrite and not (question.baseline or config.baseline):
        notes.append(f'to use it in later checks, set baseline = "{stored.DEFAULT_NAME}"')
    bare = [target.name for target in wanted if not target.budgets]
    if bare and question.exact_only:
        notes.append(f"not checked, since --exact skips measured budgets: {', '.join(bare[:3])}")
    return tuple(notes)
