"""Many models counted at once, in parallel processes where that pays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sepcost.budget.metrics import facts
from sepcost.budget.results import Facts
from sepcost.cost.analysis import Analysis
from sepcost.errors import SepcostError

if TYPE_CHECKING:
    from sepcost.model.external import Size

#: A process takes half a second to come up, which is the time of about this many models.
MODELS_A_PROCESS = 8

STDIN = "-"

#: Options of a budget that say how to count.
COUNTING = ("bind", "shape", "trips", "alpha", "rho", "observe")


Analyze = Callable[..., Analysis]


@dataclass(frozen=True, slots=True)
class Model:
    """One model to count, and what to call it."""

    name: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)


def count(models: Sequence[Model], analyze: Analyze, jobs: int | None = None) -> tuple[Facts, ...]:
    """Count every model, in the order given.

    Parameters
    ----------
    models
        What to count.
    analyze
        ``sepcost.analyze``, or another function of a module.
    jobs
        Processes to use; None for as many as pay on this machine. With several, a script that
        calls this needs the usual ``if __name__ == "__main__"``.

    Raises
    ------
    SepcostError
        The first that a model raised, in the order given.
    """
    wanted = jobs or min(os.cpu_count() or 1, -(-len(models) // MODELS_A_PROCESS))
    piped = any(model.source == STDIN for model in models)  # only this process can read it
    processes = 1 if piped else min(wanted, len(models))
    if processes <= 1:
        return tuple(one(analyze, model) for model in models)
    with _pool(processes) as pool:
        return tuple(
            pool.map(partial(one, analyze), models, chunksize=_chunk(len(models), processes))
        )


def _chunk(models: int, processes: int) -> int:
    """Four turns a process: few enough to be cheap, enough to even out."""
    return max(1, models // (4 * processes))


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Fresh processes: a fork would take threads and locks along."""
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        yield pool
    except BrokenProcessPool as error:
        raise SepcostError(
            "a process that counts was killed, for want of memory perhaps; try --jobs 1"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def one(analyze: Analyze, model: Model) -> Facts:
    """Count one model.

    Raises
    ------
    SepcostError
        With the name of the model, whatever is wrong with it.
    """
    options = {key: value for key, value in model.options.items() if key in COUNTING}
    try:
        analysis = analyze(model.source, **options)
    except SepcostError as error:
        if model.source in str(error):
            raise
        raise type(error)(f"{model.name}: {error}") from error
    size = file_size(Path(model.source))
    return facts(model.name, analysis, size.bytes if size else None, size.missing if size else ())


def file_size(path: Path) -> Size | None:
    """The size on disk, external data included; None where the model is no ONNX file."""
    if path.suffix == ".toml" or not path.is_file():
        return None
    from sepcost.model.external import size  # noqa: PLC0415

    return size(path)
