"""The networks that ship with sepcost: their names and specs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sepcost.errors import SpecError

FOLDER = Path(__file__).parents[1] / "networks"


@dataclass(frozen=True, slots=True)
class NetworkInfo:
    """One shipped network."""

    name: str
    description: str
    path: Path


def networks() -> tuple[NetworkInfo, ...]:
    """List the shipped networks by name.

    Examples
    --------
    >>> import sepcost
    >>> "mobilenet-v1" in [network.name for network in sepcost.networks()]
    True
    """
    import tomllib  # noqa: PLC0415 - not for ONNX files

    infos = []
    for path in sorted(FOLDER.glob("*.toml")):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        infos.append(NetworkInfo(path.stem, document["description"], path))
    return tuple(infos)


def is_shipped(name: str) -> bool:
    """Whether a shipped network has this name, ignoring case and punctuation."""
    return _plain(name) in _paths()


def find(name: str) -> Path:
    """Find the spec of a shipped network.

    Raises
    ------
    SpecError
        If no network has the name; the message suggests the nearest.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only for wrong names

    paths = _paths()
    plain = _plain(name)
    if plain in paths:
        return paths[plain]
    close = get_close_matches(plain, paths, n=1)
    names = ", ".join(path.stem for path in paths.values())
    hint = f"did you mean '{paths[close[0]].stem}'?" if close else f"choose from {names}"
    raise SpecError(f"no network named {name[:80]!r} ships with sepcost; {hint}")


def _paths() -> dict[str, Path]:
    return {_plain(path.stem): path for path in sorted(FOLDER.glob("*.toml"))}


def _plain(name: str) -> str:
    return re.sub(r"[-_. ]", "", name[:80].lower())
