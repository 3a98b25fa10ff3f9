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
from sepcost.budget.judge import NO_BASELINE, Evidence, Leniency, judge
from sepcost.budget.metrics import measured
from sepcost.budget.results import Budget, Check, Facts, Measured, Rewrite, Verdict
from sepcost.errors import BudgetError
from sepcost.evidence.baselines import Against, Finder, needs_model
from sepcost.evidence.count import Analyze, Model, count
from sepcost.evidence.measure import Measure, Request


@dataclass(frozen=True, slots=True)
class Question:
    """What to check, and how; None leaves it to the configuration."""

    sources: Sequence[str] = ()
    config: Path | None = None  # else it is looked for from the working folder upwards
    budgets: Sequence[Budget] = ()  # for every model, over those of the configuration
    options: Mapping[str, object] = field(default_factory=dict)  # how to count, likewise
    baseline: str | None = None
    allow_unknown: bool | None = None
    inconclusive: str | None = None
    exact_only: bool = False
    jobs: int | None = None
    update: bool = False
    loosen: bool = False


def check(question: Question, analyze: Analyze, measuring: Measure) -> Check:
    """Judge every model by its budgets.

    Parameters
    ----------
    question
        What to check.
    analyze
        ``sepcost.analyze``; a function of a module, since other processes call it too.
    measuring
        Called for a model with measured budgets only.

    Raises
    ------
    BudgetError
        Where the configuration is broken, nothing is to be checked, or a baseline is not to be had.
    ModelError, SpecError, BindingError
        Where a model cannot be counted.
    MeasurementError
        Where a model cannot be measured.
    """
    config = _config(question)
    wanted = _asked(targets(config, question.sources, question.budgets), question)
    models = [Model(target.name, target.source, target.options) for target in wanted]
    counting = partial(count, analyze=analyze, jobs=question.jobs)
    facts = counting(models)
    rewrite = _rewrite(question, config, facts) if question.update else None
    with TemporaryDirectory(prefix="sepcost-") as folder:
        finder = Finder(config.folder, Path(folder), _held(rewrite))
        against = finder.find(wanted, counting)
        verdicts = [
            verdict
            for target, known in zip(wanted, facts, strict=True)
            for verdict in _judged(target, known, against[target.name], config, measuring)
        ]
    sources = tuple(target.name for target in wanted)
    return Check(
        tuple(verdicts), sources, config.file, _notes(wanted, question, config, rewrite), rewrite
    )


def _config(question: Question) -> Config:
    path = question.config or find(Path.cwd())
    config = Config(Path.cwd()) if path is None else read(path)
    return replace(config, inconclusive=question.inconclusive or config.inconclusive)


def _asked(wanted: Sequence[Target], question: Question) -> tuple[Target, ...]:
    """Put what the command line says over what the configuration says."""
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
    """Where no baseline is named, compare with the one that is about to be written."""
    unnamed = target.options.get("baseline") is None
    return {"baseline": stored.DEFAULT_NAME} if question.update and unnamed else {}


def _left(target: Target, question: Question) -> tuple[Budget, ...]:
    if not question.exact_only:
        return target.budgets
    return tuple(budget for budget in target.budgets if not measured(budget.metric))


def _judged(
    target: Target, facts: Facts, against: Against, config: Config, measuring: Measure
) -> tuple[Verdict, ...]:
    evidence = Evidence(
        facts,
        against.facts,
        _measured(target, against, config, measuring),
        against.missing or NO_BASELINE,
        against.new,
    )
    allow = bool(target.options.get("allow-unknown"))
    return judge(target.budgets, evidence, Leniency(allow, config.inconclusive))


def _measured(
    target: Target, against: Against, config: Config, measuring: Measure
) -> Measured | None:
    """Measure only where a budget asks for it, and the baseline only where one compares."""
    metrics = frozenset(b.metric for b in target.budgets if measured(b.metric))
    if not metrics:
        return None
    beside = any(needs_model(budget) for budget in target.budgets)
    before = [against.source] if beside and against.source else []
    sources = [*before, target.source]
    options, provider, threads = target.options, config.provider, config.threads
    return measuring(Request(sources, metrics, options, provider, threads))


def _rewrite(question: Question, config: Config, facts: Sequence[Facts]) -> Rewrite:
    """Prepare the baseline file; nothing is written here."""
    name = question.baseline or config.baseline or stored.DEFAULT_NAME
    if not name.endswith(".json"):
        raise BudgetError(
            f"--update writes a JSON file, and the baseline is {name!r}; name one with "
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
    """Judge against what the baseline file is about to hold."""
    if rewrite is None:
        return {}
    return {Path(os.path.abspath(rewrite.path)): stored.parsed(rewrite.text, Path(rewrite.path))}


def _notes(
    wanted: Sequence[Target], question: Question, config: Config, rewrite: Rewrite | None
) -> tuple[str, ...]:
    notes = []
    if rewrite and rewrite.kept:
        notes.append(
            f"{rewrite.path} keeps {len(rewrite.kept)} values that would be looser "
            f"({', '.join(rewrite.kept[:3])}{', …' if len(rewrite.kept) > 3 else ''}); "
            "--loosen takes them"
        )
    if rewrite and not (question.baseline or config.baseline):
        notes.append(f'to compare with it from now on, set baseline = "{stored.DEFAULT_NAME}"')
    bare = [target.name for target in wanted if not target.budgets]
    if bare and question.exact_only:
        notes.append(f"only measured budgets, left out by --exact: {', '.join(bare[:3])}")
    return tuple(notes)
