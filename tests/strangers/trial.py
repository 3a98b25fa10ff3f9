"""One stranger on its way through the commands: what is known of it, and what it is fed."""

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
    """Neither right nor a clear refusal."""


class Trial:
    """One model under way: what is known of it so far."""

    def __init__(self, stranger: Stranger, folder: Path) -> None:
        self.folder = folder
        self.path = stranger.write(folder)
        self.given = stranger.feeds() if stranger.feeds else None
        self.verify = stranger.small
        self.known = stranger.sizes or {"shape": shapes(self.given or {})}
        self.sizes: Mapping[str, Any] = {}  # those that the model needs
        self.analysis: sepcost.Analysis | None = None

    @property
    def counted(self) -> sepcost.Analysis:
        """The analysis; a model without one gets no further than its refusal."""
        return self.analysis or sepcost.analyze(self.path, **self.sizes)


def said(action: Callable[[Trial], str], trial: Trial) -> str:
    """What an action comes to: its own word, a refusal's, or what is wrong."""
    try:
        return action(trial)
    except SepcostError as error:
        return refused(error)
    except WrongError as error:
        return f"{WRONG} {flat(error)}"
    except Exception as error:
        return f"{WRONG} {type(error).__name__}: {flat(error)}"


def fed(trial: Trial) -> Feeds | str:
    """What to run a model on, or why it cannot be run here."""
    if trial.given is None:
        try:
            feeds = profiled.random_feeds(trial.counted.network)
        except pytest.skip.Exception:
            return NO_TENSOR
        if "sr" in feeds:
            feeds["sr"][...] = 16000  # silero asks for it, and takes no other rate
        return feeds
    arrays = [feed for feed in trial.given.values() if isinstance(feed, np.ndarray)]
    if any(array.dtype.isbuiltin != 1 and array.dtype.kind not in "US" for array in arrays):
        return RARE
    return EMPTY if any(0 in array.shape for array in arrays) else trial.given


def shapes(feeds: Feeds) -> dict[str, tuple[int, ...]]:
    return {name: feed.shape for name, feed in feeds.items() if isinstance(feed, np.ndarray)}
