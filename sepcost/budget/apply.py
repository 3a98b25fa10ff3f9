"""Which models a configuration speaks of, and what holds for each."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sepcost.budget.config import Config, Entry
from sepcost.budget.results import Budget
from sepcost.errors import BudgetError
from sepcost.toml_lines import shown


@dataclass(frozen=True, slots=True)
class Target:
    """One model with everything that holds for it."""

    name: str  # its path from the configuration's folder, or what the user named
    source: str  # what opens it from here
    budgets: tuple[Budget, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


def targets(
    config: Config, sources: Sequence[str] = (), extra: Sequence[Budget] = ()
) -> tuple[Target, ...]:
    """Resolve what to check.

    Budgets of an exact path win over those of globs, later globs over earlier ones, those over
    ``defaults``, and ``extra`` (from the command line) over all, metric by metric.

    Parameters
    ----------
    config
        What the file says.
    sources
        Models to check; all that the configuration names where there are none.
    extra
        Budgets for all of them.

    Raises
    ------
    BudgetError
        Where a glob matches nothing, nothing is named, or no budget holds for a model.
    """
    if not sources:
        return _configured(config, extra)
    found = [_target(config, _name(config.folder, s), s, extra) for s in dict.fromkeys(sources)]
    for target in found:
        if not target.budgets:
            where = f"{config.file} has none for it" if config.file else "no configuration found"
            raise BudgetError(
                f"{target.name}: no budget holds for it ({where}); give one with --max-macs, "
                "or add it to [tool.sepcost.budgets]"
            )
    return tuple(found)


def _configured(config: Config, extra: Sequence[Budget]) -> tuple[Target, ...]:
    named: dict[str, None] = {}
    for entry in config.entries:
        if entry.pattern:
            named |= dict.fromkeys(_present(config.folder, entry))
    if not named:
        raise BudgetError(
            "no model to check: name one (sepcost check model.onnx --max-macs 600M), or add "
            '[tool.sepcost.budgets."models/*.onnx"] to pyproject.toml'
        )
    return tuple(_target(config, name, _source(config.folder, name), extra) for name in named)


def _present(folder: Path, entry: Entry) -> tuple[str, ...]:
    """The models of one entry; there has to be one, but a shipped network is no file."""
    matches = _matches(folder, entry.pattern)
    gone = [name for name in matches if _is_path(name) and not (folder / name).exists()]
    if matches and not gone:
        return matches
    place = entry.location
    where = f"{place.file}:{place.line}: " if place else ""
    raise BudgetError(
        f"{where}{shown(entry.pattern)} matches no file in {folder}; "
        "correct the path, or take the entry out"
    )


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith((".onnx", ".toml"))


def _target(config: Config, name: str, source: str, extra: Sequence[Budget]) -> Target:
    budgets: dict[tuple[str, str], Budget] = {}
    options: dict[str, Any] = {"baseline": config.baseline}
    for entry in _holding(config, name):
        budgets |= _keyed(entry.budgets)
        options |= entry.options
    return Target(name, source, tuple((budgets | _keyed(extra)).values()), options)


def _keyed(budgets: Iterable[Budget]) -> dict[tuple[str, str], Budget]:
    return {(budget.name, budget.bound): budget for budget in budgets}


def _holding(config: Config, name: str) -> Iterator[Entry]:
    """Entries from the weakest to the strongest."""
    shared = [entry for entry in config.entries if not entry.pattern]
    exact = [entry for entry in config.entries if entry.pattern == name]
    globs = [entry for entry in config.entries if entry.pattern and entry not in exact]
    yield from shared
    yield from (entry for entry in globs if name in _matches(config.folder, entry.pattern))
    yield from exact


def _matches(folder: Path, pattern: str) -> tuple[str, ...]:
    """Files below ``folder`` as posix paths in order; a name without ``*?[`` stands for itself."""
    pattern = pattern.removeprefix("./")
    if not glob.has_magic(pattern) or (folder / pattern).is_file():
        return (pattern,)
    found = glob.glob(pattern, root_dir=folder, recursive=True)
    return tuple(sorted(Path(match).as_posix() for match in found if (folder / match).is_file()))


def _name(folder: Path, source: str) -> str:
    """Call a file by its path from the configuration's folder, whatever folder it is named from."""
    path = Path(source)
    if source == "-" or not path.exists():
        return source
    try:
        return Path(os.path.abspath(path)).relative_to(folder).as_posix()
    except ValueError:
        return path.as_posix()


def _source(folder: Path, name: str) -> str:
    """Lead to a model from the working folder; a shipped name, which is no file, stays."""
    return os.path.relpath(folder / name) if _is_path(name) or (folder / name).exists() else name
