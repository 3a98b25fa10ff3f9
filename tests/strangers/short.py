"""Short measurements in this process, because each child takes half a second to start."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from sepcost.errors import SepcostError
from sepcost.latency import measure, route, runtime, worker
from sepcost.latency.jobs import Job
from sepcost.latency.prepared import prepared
from sepcost.latency.wire import Wire


@contextmanager
def in_process(folder: Path) -> Iterator[None]:
    """Run here what ``sepcost.latency.worker`` runs in a child; keep caches in ``folder``."""
    bench = partial(measure.bench, execute=execute)
    with (
        mock.patch("sepcost.latency.child.execute", execute),
        mock.patch.object(measure, "bench", bench),
        mock.patch.object(route, "bench", bench),
        mock.patch.dict("os.environ", XDG_CACHE_HOME=str(folder / "cache")),
    ):
        yield


def execute(job: Job, *_: Any) -> Any:
    """Run one job as the child's ``main`` does, with the minimum of turns."""
    wire = Wire(io.StringIO())
    with prepared(replace(job, slice_s=0.0)) as (ready, finish):
        try:
            done = worker.TASKS[job.task](ready, wire)
        except SepcostError:
            raise
        except Exception as error:
            raise runtime.explain(error, *wire.doing) from error
        return json.loads(json.dumps(finish(done)))
