"""The route of ``bench``: models to files, files to child processes, times to intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sepcost.latency.settings import OnProgress, Settings

if TYPE_CHECKING:
    from sepcost.latency.results import Bench


def bench(
    sources: str | Path | Sequence[str | Path],
    *,
    bind: Mapping[str, int] | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
    alpha: float | None = None,
    rho: float | None = None,
    settings: Settings | None = None,
    on_progress: OnProgress | None = None,
) -> Bench:
    """Measure the latency of one model, or of several against the first, in child processes.

    Parameters
    ----------
    sources
        One source as for ``analyze``, or several to measure in turns. Without sources,
        ``Settings(machine=True)`` measures only the machine's peaks.
    bind, shape, alpha, rho
        As for ``analyze``.
    settings
        Providers, threads, precision and the rest.
    on_progress
        Called at every step and after each launch.

    Raises
    ------
    ModelError, SpecError, BindingError
        If a source cannot be read, or a dynamic dimension is unbound.
    MeasurementError
        If a provider is missing or does not run any node, or a model crashes, hangs or runs out
        of memory.

    Examples
    --------
    >>> import sepcost
    >>> quick = sepcost.Settings(max_time_s=0.5, min_launches=1, max_launches=1)
    >>> found = sepcost.bench(["small-cnn", "squeezenet-1.1"], settings=quick)
    >>> [model.name for model in found.models if model.latency.estimate > 0]
    ['small-cnn', 'squeezenet-1.1']
    >>> (pair,) = found.comparisons  # pair.ratio is b / a, with its interval; pair.words says it
    >>> pair.a, pair.b
    ('small-cnn', 'squeezenet-1.1')
    """
    named = [sources] if isinstance(sources, str | Path) else list(sources)
    settings = settings or Settings()
    if settings.machine and not named:
        from sepcost.latency.survey import machine_alone

        return machine_alone(settings, on_progress)
    from sepcost.latency.route import Sizes, measure

    sizes = Sizes(bind or {}, shape or {}, alpha, rho)
    return measure(named, sizes, settings, on_progress)
