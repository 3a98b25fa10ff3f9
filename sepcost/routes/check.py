"""The route of ``check``: budgets, evidence, verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from sepcost.budget.flags import given
from sepcost.budget.results import Check
from sepcost.cost.ranges import Bindings
from sepcost.evidence import check as evidence
from sepcost.evidence.check import Question
from sepcost.evidence.measure import measure
from sepcost.routes.bench import bench
from sepcost.routes.ranges import each_point


def check(
    sources: str | Path | Sequence[str | Path] = (),
    *,
    config: str | Path | None = None,
    budgets: Mapping[str, object] | None = None,
    bind: Bindings | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
    trips: Mapping[str, int] | None = None,
    baseline: str | None = None,
    update: bool = False,
    loosen: bool = False,
    allow_unknown: bool | None = None,
    inconclusive: str | None = None,
    exact_only: bool = False,
    jobs: int = 1,
    host: str | None = None,
) -> Check:
    """Judge models by their cost budgets; nothing is written.

    Parameters
    ----------
    sources
        Models to check. Default: all that the configuration names.
    config
        A ``pyproject.toml`` or ``sepcost.toml``. Default: the nearest one, from the working folder
        upwards.
    budgets
        Further budgets for every model: ``{"macs": "600 M", "forbid-ops": ["Loop"]}``.
    bind, shape, trips
        As for ``analyze``, for every model; they override the configuration. Over a range of sizes,
        ``{"N": range(1, 9)}``, every size is counted, and the worst is judged.
    baseline
        ``git:REVISION``, a model, or a JSON file; overrides the configuration.
    update, loosen
        Return the new text of the JSON baseline in ``Check.baseline``, and judge by it. Numbers
        are only lowered, unless ``loosen`` is true.
    allow_unknown
        Let a count that is only a lower bound pass with a warning.
    inconclusive
        Status of a measurement whose interval contains the limit: ``warn``, ``fail`` or ``ok``.
    exact_only
        Skip budgets that run the model.
    jobs
        Processes that count models. More than one needs ``if __name__ == "__main__"`` in a script.
    host
        An ssh destination: latency and the like are measured on that machine.

    Raises
    ------
    BudgetError
        If the configuration is malformed, or a baseline cannot be read. A model that cannot be
        read, counted or measured is an error among the verdicts, and one of ``faults``.

    Examples
    --------
    >>> import sepcost
    >>> found = sepcost.check("small-cnn", budgets={"macs": "10 M", "params": "400 k"})
    >>> found.ok, [(verdict.metric, str(verdict.status)) for verdict in found.verdicts]
    (False, [('macs', 'fail'), ('params', 'ok')])
    """
    named = [sources] if isinstance(sources, str | Path) else sources
    sizes = {"bind": bind, "shape": shape, "trips": trips}
    question = Question(
        tuple(map(str, named)), None if config is None else Path(config), given(budgets or {}),
        {key: value for key, value in sizes.items() if value}, baseline, allow_unknown,
        inconclusive, exact_only, jobs, update, loosen, host,
    )  # fmt: skip
    return answer(question)


def answer(question: Question) -> Check:
    """Count and measure as the other routes do, then judge."""
    return evidence.check(question, each_point, partial(measure, bench))
