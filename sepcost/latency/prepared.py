"""What a job needs of onnx is done in the parent: the worker may run where there is none."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sepcost.errors import MeasurementError, SepcostError, first_line
from sepcost.latency.jobs import Job

if TYPE_CHECKING:
    from sepcost.latency.labels import Labelled

Result = Mapping[str, Any]
Finish = Callable[[Result], Result]


@contextmanager
def prepared(job: Job) -> Iterator[tuple[Job, Finish]]:
    """Turn a job into one for the worker, and the worker's result into that of the job."""
    prepare = _PREPARED.get(job.task)
    if prepare is None:
        yield job, lambda result: result
        return
    with tempfile.TemporaryDirectory(prefix="sepcost-") as folder:
        yield prepare(job, Path(folder))


def _probe(job: Job, folder: Path) -> tuple[Job, Finish]:
    """Providers other than the CPU's are asked which layers they take, by a labelled copy."""
    if job.runtime.cpu_only:
        return job, lambda result: result
    from sepcost.latency import layers  # noqa: PLC0415 - loads onnx

    labels, labelled = _labelled(job, folder)

    def finish(result: Result) -> Result:
        return {**result, "placement": layers.placement(labels, result["placement"])}

    return replace(labelled, models=[*job.models, *labelled.models]), finish


def _profile(job: Job, folder: Path) -> tuple[Job, Finish]:
    from sepcost.latency import layers, profiles  # noqa: PLC0415 - loads onnx

    labels, labelled = _labelled(job, folder)

    def finish(result: Result) -> Result:
        rows = layers.rows(labels, result)
        layers_of = [asdict(row) | {"nodes": list(row.nodes)} for row in rows]
        return {"layers": layers_of, "arena": result["arena"]}

    return replace(labelled, most_runs=profiles.most_runs(len(labels.ids))), finish


def _peaks(job: Job, folder: Path) -> tuple[Job, Finish]:
    from sepcost.latency import peak_models  # noqa: PLC0415 - loads onnx

    return replace(job, models=peak_models.written(folder)), lambda result: result


def _labelled(job: Job, folder: Path) -> tuple[Labelled, Job]:
    """Replace the model of a job with its labelled copy, which keeps the external data."""
    from sepcost.latency import layers  # noqa: PLC0415 - loads onnx
    from sepcost.model.links import serialised  # noqa: PLC0415

    (model,) = job.models
    try:
        labels = layers.read(model)
        data, home = serialised(labels.model, model.path.absolute().parent)
    except (SepcostError, OSError):
        raise
    except Exception as error:  # a model that ONNX Runtime reads, but onnx does not
        message = f"{model.name}: failed while labelling its nodes: {first_line(error)}"
        raise MeasurementError(message) from error
    path = folder / "labelled.onnx"
    path.write_bytes(data)
    return labels, replace(job, models=[replace(model, path=path)], data_folder=home)


_PREPARED: Mapping[str, Callable[[Job, Path], tuple[Job, Finish]]] = {
    "probe": _probe,
    "profile": _profile,
    "peaks": _peaks,
}
