"""The route of ``check``: budgets, what they are measured from, verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from sepcost.budget.flags import given
from sepcost.budget.results import Check
from sepcost.evidence import check as gate
from sepcost.evidence.measure import measure
from sepcost.routes.analyze import analyze
from sepcost.routes.bench import bench


def check(
    sources: str | Path | Sequence[str | Path] = (),
    *,
    config: str | Path | None = None,
    budgets: Mapping[str, object] | None = None,
    baseline: str | None = None,
    allow_unknown: bool | None = None,
    exact_only: bool = False,
    jobs: int = 1,
) -> Check:
    """Judge models by their cost budgets; nothing is written.

    Parameters
    ----------
    sources
        Models to check; all that the configuration names where there are none.
    config
        A ``pyproject.toml`` or ``sepcost.toml``; else it is looked for from here upwards.
    budgets
        More of them, for every model: ``{"macs": "600 M", "forbid-ops": ["Loop"]}``.
    baseline
        ``git:REVISION``, a model, or a JSON file, in the place of the configuration's.
    allow_unknown
        Let a budget pass with a warning where the model could not be counted in full.
    exact_only
        Leave out budgets that need the model to run.
    jobs
        Processes that count. More than one needs ``if __name__ == "__main__"`` in a script.

    Raises
    ------
    BudgetError
        Where the configuration is broken, or a revision or a file of numbers to compare with is not
        to be had. What is wrong with one model is a verdict, and stands in ``faults``.

    Examples
    --------
    >>> import sepcost
    >>> found = sepcost.check("small-cnn", budgets={"macs": "10 M", "params": "400 k"})
    >>> found.ok, [(verdict.metric, str(verdict.status)) for verdict in found.verdicts]
    (False, [('macs', 'fail'), ('params', 'ok')])
    """
    named = [sources] if isinstance(sources, str | Path) else sources
    question = gate.Question(
        tuple(map(str, named)), None if config is None else Path(config), given(budgets or {}),
        baseline=baseline, allow_unknown=allow_unknown, exact_only=exact_only, jobs=jobs,
    )  # fmt: skip
    return answer(question)


def answer(question: gate.Question) -> Check:
    """Judge what was asked, by models counted and measured as the other routes do it."""
    return gate.check(question, analyze, partial(measure, bench))
