"""One third-party model under test: its analysis and its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sepcost
from sepcost.errors import SepcostError
from tests import profiled
from tests.strangers.models import Feeds, Stranger
from tests.strangers.outcome import EMPTY, NO_TENSOR, RARE, WRONG, flat, refused


class WrongError(Exception):
    """Neither right nor a clear error."""


class Trial:
    """One model under test, with the results so far."""

    def __init__(self, stranger: Stranger, folder: Path) -> None:
        self.folder = folder
        self.path = stranger.write(folder)
        self.given = stranger.feeds() if stranger.feeds else None
        self.verify = stranger.small
        self.known = stranger.sizes or {"shape": shapes(self.given or {})}
        self.sizes: Mapping[str, Any] = {}  # inputs that the model needs
        self.analysis: sepcost.Analysis | None = None

    @property
    def counted(self) -> sepcost.Analysis:
        """The analysis; a model without one stops at its error."""
        return self.analysis or sepcost.analyze(self.path, **self.sizes)


def said(action: Callable[[Trial], str], trial: Trial) -> str:
    """The outcome of an action: its own word, that of its error, or the reason it is wrong."""
    try:
        return action(trial)
    except SepcostError as error:
        return refused(error)
    except WrongError as error:
        return f"{WRONG} {flat(error)}"
    except Exception as error:
        return f"{WRONG} {type(error).__name__}: {flat(error)}"


def fed(trial: Trial) -> Feeds | str:
    """The inputs of a model, or the reason it cannot run here."""
    if trial.given is None:
        try:
            feeds = profiled.random_feeds(trial.counted.network)
        except pytest.skip.Exception:
            return NO_TENSOR
        if "sr" in feeds:
            feeds["sr"][...] = 16000  # silero requires it and accepts no other rate
        return feeds
    arrays = [feed for feed in trial.given.values() if isinstance(feed, np.ndarray)]
    if any(array.dtype.isbuiltin != 1 and array.dtype.kind not in "US" for array in arrays):
        return RARE
    return EMPTY if any(0 in array.shape for array in arrays) else trial.given


def shapes(feeds: Feeds) -> dict[str, tuple[int, ...]]:
    return {name: feed.shape for name, feed in feeds.items() if isinstance(feed, np.ndarray)}
