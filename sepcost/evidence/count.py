"""Counts many models, in parallel processes if that is faster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sepcost.budget.metrics import facts, facts_of_range
from sepcost.budget.results import Facts, Fault
from sepcost.cost.analysis import Analysis
from sepcost.cost.ranges import ranged
from sepcost.errors import SepcostError, debugging, explained, printable

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    from sepcost.model.external import ModelSize

#: Models counted in the half second that starting a process takes.
MODELS_PER_PROCESS = 8

STDIN = "-"
KILLED = "the process that counted it was killed, probably because memory ran out"

#: Options of a configuration entry that affect counting.
COUNTING = ("bind", "shape", "trips", "alpha", "rho", "observe")


#: ``sepcost.analyze``; for a range of sizes, one analysis for each of its points.
Analyze = Callable[..., Analysis | Iterator[Analysis]]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Model:
    """One model to count, and its name in reports."""

    name: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)


def count(
    models: Sequence[Model], analyze: Analyze, jobs: int | None = None
) -> tuple[Facts | Fault, ...]:
    """Count every model, in the order given; a faulty model does not stop the others.

    Parameters
    ----------
    models
        Models to count.
    analyze
        ``sepcost.analyze``, or another module-level function.
    jobs
        Processes. Default: chosen by the number of models and cores. With several, a script that
        calls this needs ``if __name__ == "__main__"``.

    """
    piped = any(model.source == STDIN for model in models)  # only this process can read it
    return tuple(each(partial(one, analyze), models, 1 if piped else jobs, _killed))


def _killed(model: Model) -> Facts | Fault:
    return Fault(model.name, KILLED)


def each(
    do: Callable[[T], R], items: Sequence[T], jobs: int | None, killed: Callable[[T], R]
) -> Iterator[R]:
    """Call ``do`` with every item, in order, in parallel processes if that is faster.

    An item whose process is killed gets ``killed`` instead; the others are still done.
    """
    processes = min(jobs or _automatic(len(items)), len(items))
    if processes <= 1:
        yield from map(do, items)
        return
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415  (slow to import)

    done, chunk = 0, _chunk(len(items), processes)
    while done < len(items):
        try:
            with _pool(processes) as pool:
                for result in pool.map(do, items[done:], chunksize=chunk):
                    yield result
                    done += 1
        except BrokenProcessPool:
            if processes == 1:  # one at a time, so it was this one
                yield killed(items[done])
                done += 1
            processes = chunk = 1


def _automatic(items: int) -> int:
    """The number of processes that finish soonest."""
    if items <= MODELS_PER_PROCESS:
        return 1
    from sepcost.latency.machine import cores  # noqa: PLC0415  (only where it is asked)

    return min(cores(), -(-items // MODELS_PER_PROCESS))


def _chunk(models: int, processes: int) -> int:
    """Four chunks per process: few enough to be cheap, enough to balance the work."""
    return max(1, models // (4 * processes))


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """New processes: a fork would inherit threads and locks."""
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415  (slow to import)
    from multiprocessing import get_context  # noqa: PLC0415

    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def one(analyze: Analyze, model: Model) -> Facts | Fault:
    """Count one model, or return its fault."""
    options = {key: value for key, value in model.options.items() if key in COUNTING}
    try:
        counted = analyze(model.source, **options)
        size = file_size(Path(model.source))
        of_file = (size.bytes, size.missing) if size else (None, ())
        if isinstance(counted, Analysis):
            return facts(model.name, counted, *of_file)
        ranges = ranged(options["bind"])
        return facts_of_range(
            (
                {name: each.network.bindings[name] for name in ranges},
                facts(model.name, each, *of_file),
            )
            for each in counted
        )
    except Exception as error:
        return fault(model.name, model.source, error)


def fault(name: str, source: str, error: Exception) -> Fault:
    """The fault of a model, without the name of the model in front.

    Raises
    ------
    Exception
        The error itself, if it is unexpected and the user asked for tracebacks.
    """
    if debugging() and not isinstance(error, SepcostError | OSError | MemoryError):
        raise error
    message = explained(error)
    for known in (source, name):
        message = message.removeprefix(f"{printable(known)}: ")
    return Fault(name, message, getattr(error, "exit_code", SepcostError.exit_code))


def file_size(path: Path) -> ModelSize | None:
    """The size on disk, including external data; None if the model is not an ONNX file."""
    if path.suffix == ".toml" or not path.is_file():
        return None
    from sepcost.model.external import size  # noqa: PLC0415

    return size(path)
