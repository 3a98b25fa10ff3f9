"""Baselines of models: stored numbers, the same model at a revision, or another model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from sepcost.budget import baseline as stored
from sepcost.budget.apply import Target
from sepcost.budget.metrics import OUTPUTS, VS_BASELINE, measured
from sepcost.budget.results import Budget, Facts, Fault
from sepcost.errors import BudgetError, SepcostError
from sepcost.evidence.count import Model
from sepcost.evidence.revision import PREFIX, Revision, resolve
from sepcost.toml_lines import shown

OF_FILE = frozenset({f"file-size{VS_BASELINE}"})


#: Counts models, in the order given.
Count = Callable[[Sequence[Model]], tuple[Facts | Fault, ...]]


@dataclass(frozen=True, slots=True)
class Against:
    """The baseline of one model. ``source`` opens it if it is a model."""

    facts: Facts | None = None
    source: str | None = None
    missing: str = ""  # why there is no baseline
    new: bool = False  # the file does not exist at the revision
    fault: Fault | None = None  # why the baseline cannot be read
    naming: Callable[[str], str] = str  # names extracted files as the user does


@dataclass(slots=True)
class Finder:
    """Finds baselines; reads each file and resolves each revision once."""

    folder: Path
    temporary: Path  # for models extracted from revisions
    files: dict[Path, dict[str, dict[str, int]]] = field(default_factory=dict)
    revisions: dict[str, Revision] = field(default_factory=dict)

    def find(self, targets: Sequence[Target], count: Count) -> dict[str, Against]:
        """Find the baseline of each target, by the name of the target.

        Raises
        ------
        BudgetError
            If a budget needs a baseline and none is named or readable.
        """
        baselines = {target.name: self._one(target) for target in targets}
        asked = {target.name: target.options.get("baseline") for target in targets}
        models = [
            Model(target.name, against.source, target.options)
            for target in targets
            if (against := baselines[target.name]).source is not None
        ]
        for counted in count(models):
            found = baselines[counted.model]
            if isinstance(counted, Fault):
                named = replace(counted, message=found.naming(counted.message))
                baselines[counted.model] = Against(fault=_of_baseline(named, asked))
            else:
                baselines[counted.model] = replace(found, facts=counted)
        return baselines

    def _one(self, target: Target) -> Against:
        written = target.options.get("baseline")
        model = next((b for b in target.budgets if needs_model(b)), None)
        needy = model or next((b for b in target.budgets if needs_baseline(b)), None)
        if written is None:
            if needy is not None:
                raise _fault(needy, f"needs a baseline; {_remedy(target, needy)}")
            return Against()
        if written.endswith(".json"):
            if model is not None:
                numbers = f"but {shown(Path(written).name)} contains only numbers"
                raise _fault(model, f"needs a baseline model, {numbers}; {_remedy(target, model)}")
            return self._stored(target, Path(os.path.abspath(self.folder / written)), needy)
        if written.startswith(PREFIX):
            return self._revision(target, written.removeprefix(PREFIX))
        return self._file(written)

    def _stored(self, target: Target, path: Path, needy: Budget | None) -> Against:
        if needy is None:
            return Against()
        if path not in self.files:
            self.files[path] = stored.read(path)
        facts = stored.facts(self.files[path], target.name)
        return Against(facts, missing=f"not in {path.name}; add it with --update")

    def _revision(self, target: Target, name: str) -> Against:
        if name not in self.revisions:
            self.revisions[name] = resolve(name, self.folder)
        revision = self.revisions[name]
        path = Path(target.source)
        if not path.is_file():
            return Against(missing="the model is not a file, so no git revision contains it")
        into = self.temporary / f"{len(self.revisions)}-{revision.commit}"
        naming = partial(revision.naming, into=into)
        try:
            extracted = revision.extract(path, into)
            if extracted is None:
                return Against(missing=f"new model: no such file at {name}", new=True)
            if any(needs_model(b) or b.metric in OF_FILE for b in target.budgets):
                revision.extract_data(path, extracted, into)
        except SepcostError as error:
            message = naming(str(error).removeprefix(f"{path}: "))
            return Against(fault=Fault(target.name, message))
        return Against(source=str(extracted), naming=naming)

    def _file(self, written: str) -> Against:
        path = self.folder / written
        return Against(source=os.path.relpath(path) if path.exists() else written)


def needs_baseline(budget: Budget) -> bool:
    """Whether a budget can only be judged against a baseline."""
    return budget.metric.endswith(VS_BASELINE) or budget.metric in OUTPUTS


def needs_model(budget: Budget) -> bool:
    """Whether the baseline must be a model, not stored numbers."""
    return needs_baseline(budget) and measured(budget.metric)


def _of_baseline(fault: Fault, asked: Mapping[str, object]) -> Fault:
    name = str(asked[fault.model])
    where = "" if fault.message.startswith(f"{name}:") else f"{name}: "
    return replace(fault, message=f"baseline {where}{fault.message}")


def _remedy(target: Target, budget: Budget) -> str:
    """How to name a baseline that the budget accepts: where the budget was set."""
    set_ = "set baseline to" if budget.location else "give --baseline"
    accepted = {
        "git:origin/main": Path(target.source).is_file(),
        "a model": True,
        "a JSON file written by --update": not needs_model(budget),
    }
    *ways, last = (way for way, fits in accepted.items() if fits)
    return f"{set_} {' or '.join([', '.join(ways), last] if ways else [last])}"


def _fault(budget: Budget, message: str) -> BudgetError:
    place = budget.location
    where = f"{place.file}:{place.line}: " if place else ""
    return BudgetError(f"{where}{budget.metric}: {message}")
