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
from typing import TYPE_CHECKING, Any, TypeVar

from sepcost.budget.metrics import facts
from sepcost.budget.results import Facts, Fault
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
Analyses = tuple[Analysis, ...]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Model:
    """One model to count, and what to call it."""

    name: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)


def count(
    models: Sequence[Model], analyze: Analyze, jobs: int | None = None
) -> tuple[Facts | Fault, ...]:
    """Count every model, in the order given; what is wrong with one leaves the others.

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
        Where a process that counts was killed.
    """
    piped = any(model.source == STDIN for model in models)  # only this process can read it
    return tuple(each(partial(one, analyze), models, 1 if piped else jobs))


def each(do: Callable[[T], R], items: Sequence[T], jobs: int | None) -> Iterator[R]:
    """Call ``do`` with every item, in order, in parallel processes where that pays.

    Raises
    ------
    SepcostError
        If a process was killed.
    """
    wanted = jobs or min(os.cpu_count() or 1, -(-len(items) // MODELS_A_PROCESS))
    processes = min(wanted, len(items))
    if processes <= 1:
        yield from map(do, items)
        return
    with _pool(processes) as pool:
        yield from pool.map(do, items, chunksize=_chunk(len(items), processes))


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


def one(analyze: Analyze, model: Model) -> Facts | Fault:
    """Count one model, or say what is wrong with it."""
    options = {key: value for key, value in model.options.items() if key in COUNTING}
    try:
        analysis = analyze(model.source, **options)
        size = file_size(Path(model.source))
    except (SepcostError, OSError) as error:
        return fault(model.name, model.source, error)
    return facts(model.name, analysis, size.bytes if size else None, size.missing if size else ())


def swept(
    sources: Sequence[str], sweep: Callable[[str], Analyses], jobs: int | None
) -> Iterator[Analyses | Fault]:
    """Analyze every source, in the order given, as soon as each is done.

    Parameters
    ----------
    sources
        Files, specs and shipped networks.
    sweep
        ``sepcost.sweep`` of one source, as other processes can call it.
    jobs
        Processes; None for as many as pay.
    """
    yield from each(partial(_attempt, sweep), sources, jobs)


def _attempt(sweep: Callable[[str], Analyses], source: str) -> Analyses | Fault:
    try:
        return sweep(source)
    except (SepcostError, OSError) as error:
        return fault(source, source, error)


def fault(name: str, source: str, error: SepcostError | OSError) -> Fault:
    """What went wrong with a model, without its name before it."""
    message = str(error).removeprefix(f"{source}: ").removeprefix(f"{name}: ")
    return Fault(name, message, getattr(error, "exit_code", SepcostError.exit_code))


def file_size(path: Path) -> Size | None:
    """The size on disk, external data included; None where the model is no ONNX file."""
    if path.suffix == ".toml" or not path.is_file():
        return None
    from sepcost.model.external import size  # noqa: PLC0415

    return size(path)
