"""pyproject.toml or sepcost.toml -> Config: unknown keys are refused, faults name their line."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sepcost.budget.metrics import names, suggested
from sepcost.budget.results import Budget, Level, Location
from sepcost.budget.values import ValueFault, budgets, choice, text_of
from sepcost.cost.ranges import read_range
from sepcost.errors import BudgetError, SepcostError
from sepcost.latency.providers import provider
from sepcost.toml_lines import Place, key_lines, line_of, shown

PYPROJECT, OWN = "pyproject.toml", "sepcost.toml"
MAX_BYTES = 1 << 20

#: Statuses that an inconclusive measurement may get.
INCONCLUSIVE = ("warn", "fail", "ok")


@dataclass(frozen=True, slots=True)
class Entry:
    """The budgets of one path or glob; an empty pattern means all models."""

    pattern: str
    budgets: tuple[Budget, ...]
    options: Mapping[str, Any] = field(default_factory=dict)  # how to count, by OPTIONS
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration file. Its paths are relative to ``folder``."""

    folder: Path
    file: str | None = None  # as locations name it
    entries: tuple[Entry, ...] = ()
    provider: str = "cpu"
    threads: int = 1
    baseline: str | None = None
    inconclusive: str = "warn"


def find(folder: Path) -> Path | None:
    """Find the nearest configuration, from ``folder`` upwards; sepcost.toml comes first.

    A pyproject.toml without ``[tool.sepcost]`` is skipped; a malformed one is not.
    """
    for place in (folder, *folder.parents):
        if (place / OWN).is_file():
            return place / OWN
        candidate = place / PYPROJECT
        if candidate.is_file() and "sepcost" in _table(_document(candidate)[1], "tool"):
            return candidate
    return None


def read(path: Path) -> Config:
    """Read and validate one configuration file.

    Raises
    ------
    BudgetError
        At the first fault, with file, line and key, and the nearest valid word.
    """
    text, document = _document(path)
    place: Place = ()
    if path.name == PYPROJECT:
        place = ("tool", "sepcost")
        document = _table(_table(document, "tool"), "sepcost")
        if not document:
            raise BudgetError(f"{_called(path)}: no [tool.sepcost] table; add it, or use {OWN}")
    lines = key_lines(text)
    reader = _Reader(path, lines, place)
    try:
        return reader.config(document)
    except ValueFault as fault:
        keys = [str(part) for part in fault.place[len(place) :]]
        key = f"{'.'.join(map(_key, keys))}: " if keys else ""
        line = line_of(fault.place, lines)
        raise BudgetError(f"{_called(path)}:{line}: {key}{fault}") from None


def _key(key: str) -> str:
    """A key as TOML writes it: in quotes unless it is plain."""
    escaped = shown(key)[1:-1]
    return escaped if re.fullmatch(r"[\w-]+", escaped) else f'"{escaped}"'


def _document(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
        if len(data) > MAX_BYTES:
            raise BudgetError(f"{_called(path)}: larger than {MAX_BYTES:,} bytes; shorten it")
        return text, tomllib.loads(text)
    except OSError as error:
        raise BudgetError(f"{_called(path)}: {error.strerror}; give another --config") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BudgetError(f"{_called(path)}:{line}: not UTF-8 text; save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        at = re.search(r"at line (\d+)", str(error))
        last = int(at[1]) if at else text.rstrip().count("\n") + 1
        raise BudgetError(f"{_called(path)}:{last}: not valid TOML: {error}") from None


def _table(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _called(path: Path) -> str:
    """The path, relative to the working folder if it is below."""
    try:
        return Path(os.path.abspath(path)).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def project_root(folder: Path) -> Path:
    """The root of paths in CI: the git work tree around ``folder``, or ``folder``."""
    near = (folder, *folder.parents)
    return next((place for place in near if (place / ".git").exists()), folder)


class _Reader:
    """Reads the document of one file, with the lines of its keys."""

    def __init__(self, path: Path, lines: Mapping[Place, int], top: Place) -> None:
        path = Path(os.path.abspath(path))  # keep links as named
        self.folder = path.parent
        self.file = path.relative_to(project_root(self.folder)).as_posix()
        self.lines = lines
        self.top = top

    def where(self, place: Place) -> Location:
        return Location(self.file, line_of(place, self.lines))

    def config(self, document: Mapping[str, Any]) -> Config:
        top = self.top
        _check_keys(document, TOP, top)
        shared = {k: v for k, v in document.items() if k in ("allow-unknown",)}
        entries = [Entry("", (), _options(shared, top))]
        if "defaults" in document:
            entries.append(self.entry("", document["defaults"], (*top, "defaults")))
        table = _mapping(document.get("budgets", {}), (*top, "budgets"))
        for pattern, value in table.items():
            entries.append(self.entry(pattern, value, (*top, "budgets", pattern)))
        simple = {
            name: TOP[name](document[name], (*top, name))
            for name in ("provider", "threads", "baseline", "inconclusive")
            if name in document
        }
        return Config(self.folder, self.file, tuple(entries), **simple)

    def entry(self, pattern: str, value: object, place: Place) -> Entry:
        table = _mapping(value, place)
        _check_keys(table, {*OPTIONS, *names(), "level"}, place)
        level = Level(choice(table.get("level", "error"), tuple(Level), (*place, "level")))
        read = [
            budget
            for key, given in table.items()
            if key not in OPTIONS and key != "level"
            for budget in budgets(key, given, (*place, key), level, self.where)
        ]
        if pattern == "" and place[-1] != "defaults":
            raise ValueFault(place, "the path is empty; name a model or a glob")
        options = _options({k: v for k, v in table.items() if k in OPTIONS}, place)
        return Entry(pattern, tuple(read), options, self.where(place))


def _mapping(value: object, place: Place) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueFault(place, f"expected a table, not {shown(value)}")
    return value


def _check_keys(table: Mapping[str, Any], known: Iterable[str], place: Place) -> None:
    allowed = set(known)
    for key in table:
        if key not in allowed:
            raise ValueFault((*place, key), f"unknown key{suggested(key, allowed)}")


def _options(table: Mapping[str, Any], place: Place) -> dict[str, Any]:
    return {key: OPTIONS[key](value, (*place, key)) for key, value in table.items()}


def _flag(value: object, place: Place) -> bool:
    if not isinstance(value, bool):
        raise ValueFault(place, f"expected true or false, not {shown(value)}")
    return value


def _whole(value: object, place: Place, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 10**18:
        kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise ValueFault(place, f"expected {kind}, not {shown(value)}")
    return value


def _positive(value: object, place: Place) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ValueFault(place, f"expected a number above 0, not {shown(value)}")
    return float(value)


def _sizes(value: object, place: Place) -> dict[str, int | range]:
    table = _mapping(value, place)
    return {key: _size(size, (*place, key)) for key, size in table.items()}


def _size(value: object, place: Place) -> int | range:
    """A size, or a range of sizes: ``"224:640:32"``."""
    if not isinstance(value, str):
        return _whole(value, place, 1)
    if ":" not in value:
        raise ValueFault(
            place, f"expected a size such as 8, or a range such as '224:640:32', not {value!r}"
        )
    try:
        return read_range(value)
    except ValueError as error:
        raise ValueFault(place, str(error)) from None


def _trips(value: object, place: Place) -> dict[str, int]:
    return {key: _whole(trips, (*place, key)) for key, trips in _mapping(value, place).items()}


def _shapes(value: object, place: Place) -> dict[str, tuple[int, ...]]:
    found = {}
    for name, sizes in _mapping(value, place).items():
        if not isinstance(sizes, list):
            raise ValueFault((*place, name), f"expected [1, 3, 224, 224], not {shown(sizes)}")
        found[name] = tuple(_whole(s, (*place, name, i), 1) for i, s in enumerate(sizes))
    return found


def _provider(value: object, place: Place) -> str:
    name = text_of(value, place)
    try:
        provider(name)
    except SepcostError as error:
        raise ValueFault(place, str(error)) from None
    return name


def _inconclusive(value: object, place: Place) -> str:
    return choice(value, INCONCLUSIVE, place)


OPTIONS: Mapping[str, Callable[[object, Place], Any]] = {
    "bind": _sizes,
    "shape": _shapes,
    "trips": _trips,
    "alpha": _positive,
    "rho": _positive,
    "observe": _flag,
    "baseline": text_of,
    "allow-unknown": _flag,
}
TOP: Mapping[str, Callable[[object, Place], Any]] = {
    "provider": _provider,
    "threads": _whole,
    "baseline": text_of,
    "allow-unknown": _flag,
    "inconclusive": _inconclusive,
    "defaults": _mapping,
    "budgets": _mapping,
}
