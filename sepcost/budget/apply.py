"""The models of a configuration, and the budgets that apply to each."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from errno import ENOENT
from pathlib import Path
from typing import Any

from sepcost.budget.config import Config, Entry
from sepcost.budget.results import Budget
from sepcost.errors import BudgetError
from sepcost.toml_lines import shown


@dataclass(frozen=True, slots=True)
class Target:
    """One model with its budgets and options."""

    name: str  # its path relative to the configuration's folder, or the name that the user gave
    source: str  # opens it from the working folder
    budgets: tuple[Budget, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


def targets(
    config: Config, sources: Sequence[str] = (), extra: Sequence[Budget] = ()
) -> tuple[Target, ...]:
    """Find the models to check.

    For each metric, ``extra`` (from the command line) overrides an exact path, which overrides
    later globs, which override earlier ones, which override ``defaults``.

    Parameters
    ----------
    config
        The configuration.
    sources
        Models to check. Default: all that the configuration names.
    extra
        Budgets for all of them.

    Raises
    ------
    BudgetError
        If a glob matches nothing, no model is named, or a model has no budget.
    """
    if not sources:
        return _configured(config, extra)
    found = [_target(config, _name(config.folder, s), s, extra) for s in dict.fromkeys(sources)]
    for target in found:
        if not target.budgets:
            _refuse_missing(target.source)
            where = f" in {config.file}" if config.file else ""
            raise BudgetError(f"{target.name}: no budget{where}; give one, such as --max-macs 600M")
    return tuple(found)


def _refuse_missing(source: str) -> None:
    """A file that does not exist needs no budget."""
    if _is_path(source) and not os.path.lexists(source):
        raise BudgetError(f"{source}: {os.strerror(ENOENT)}")


def _configured(config: Config, extra: Sequence[Budget]) -> tuple[Target, ...]:
    named: dict[str, None] = {}
    for entry in config.entries:
        if entry.pattern:
            named |= dict.fromkeys(_present(config.folder, entry))
    if not named:
        raise BudgetError(
            "no model to check; name one (sepcost check model.onnx --max-macs 600M), or add "
            '[budgets."models/*.onnx"] to sepcost.toml'
        )
    return tuple(_target(config, name, _source(config.folder, name), extra) for name in named)


def _present(folder: Path, entry: Entry) -> tuple[str, ...]:
    """The models of one entry: at least one; a shipped network needs no file."""
    matches = _matches(folder, entry.pattern)
    missing = [name for name in matches if _is_path(name) and not (folder / name).exists()]
    if matches and not missing:
        return matches
    place = entry.location
    where = f"{place.file}:{place.line}: " if place else ""
    raise BudgetError(
        f"{where}{shown(entry.pattern)} matches no file in {folder}; correct or remove this entry"
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
    """Files below ``folder`` as sorted posix paths; a name without ``*?[`` is returned as it is."""
    pattern = pattern.removeprefix("./")
    if not glob.has_magic(pattern) or (folder / pattern).is_file():
        return (pattern,)
    found = glob.glob(pattern, root_dir=folder, recursive=True)
    return tuple(sorted(Path(match).as_posix() for match in found if (folder / match).is_file()))


def _name(folder: Path, source: str) -> str:
    """The path of a file relative to the configuration's folder."""
    path = Path(source)
    if source == "-" or not path.exists():
        return source
    try:
        return Path(os.path.abspath(path)).relative_to(folder).as_posix()
    except ValueError:
        return path.as_posix()


def _source(folder: Path, name: str) -> str:
    """The path of a model relative to the working folder; shipped networks keep their names."""
    return os.path.relpath(folder / name) if _is_path(name) or (folder / name).exists() else name
