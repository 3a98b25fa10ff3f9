"""The child process: ``python -m sepcost.latency.worker``, one job on stdin, JSON lines on stdout.

Models are measured and observed here, so that one that crashes, hangs or exhausts memory ends this
process and not the user's. Lines are ``{"stage": ...}`` during the job, then one ``{"done": ...}``
or ``{"failed": {"type": ..., "message": ...}}``.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import gettempdir
from time import perf_counter_ns
from typing import IO, Any, TypeVar

import numpy as np

from sepcost.errors import SepcostError
from sepcost.latency import inputs, peak_memory, turns
from sepcost.latency.jobs import Job, ModelFile, Runtime
from sepcost.latency.wire import Wire

SETTLING_RUNS = 5  # before the peak memory of runs is read
PR_SET_PDEATHSIG = 1

Result = dict[str, Any]
T = TypeVar("T")


def probe(job: Job, wire: Wire) -> Result:
    """Make one session and run it: times, memory, placement, outputs against the CPU's."""
    from sepcost.latency import runtime  # noqa: PLC0415 - after ``die_with_parent``

    model, *labelled = job.models
    wire.stage("preparing inputs", model.name)
    arrays, warnings = inputs.feeds(model.inputs, job.inputs, job.seed)
    held = peak_memory.current()
    wire.stage("loading", model.name)
    made, create_ns, created = _watched(lambda: runtime.session(model.path, job.runtime))
    run = runtime.runner(made, arrays, model)
    wire.stage("running", model.name)
    outputs, first_run_ns, _ = _watched(run)
    for _ in range(SETTLING_RUNS):
        run()
        wire.beat()
    ran = peak_memory.peak()
    result: Result = {
        "create_ns": create_ns,
        "first_run_ns": first_run_ns,
        "memory": [created - held, ran - held] if held and created and ran else None,
        "warnings": warnings,
        "placement": runtime.placement(made),
        "differences": [],
        "onnxruntime": runtime.VERSION,
    }
    if not job.runtime.cpu_only:
        wire.stage("comparing", model.name)
        for copy in labelled:
            asked = job.runtime.reading(job.data_folder)
            result["placement"] = runtime.placement(runtime.session(copy.path.read_bytes(), asked))
        try:
            result["differences"] = _beside_cpu(model, job.runtime, arrays, outputs)
        except Exception as error:  # e.g. half precision that only the provider supports
            known = runtime.explain(error, "comparing", model.name)
            result["warnings"] = [*warnings, f"outputs not compared with the CPU's: {known}"]
    return result


def _watched(action: Callable[[], T]) -> tuple[T, int, int | None]:
    """Run an action; return its result, its time in ns and its peak memory."""
    peak_memory.reset()
    start = perf_counter_ns()
    done = action()
    return done, perf_counter_ns() - start, peak_memory.peak()


def _beside_cpu(
    model: ModelFile, asked: Runtime, arrays: Mapping[str, inputs.Array], outputs: list[Any]
) -> list[tuple[str, float | None]]:
    """Run the same inputs on the CPU provider; return each output's relative difference."""
    from sepcost.latency import runtime  # noqa: PLC0415

    made = runtime.session(model.path, Runtime(threads=asked.threads))
    expected = runtime.runner(made, arrays, model)()
    names = [output.name for output in made.get_outputs()]
    pairs = zip(names, outputs, expected, strict=True)
    return [(name, relative_error(a, b)) for name, a, b in pairs if isinstance(a, np.ndarray)]


def relative_error(output: inputs.Array, expected: inputs.Array) -> float | None:
    """Compute max |a - b| / max |b|; None if it is not finite or the two do not compare."""
    if output.shape != expected.shape or output.dtype.kind not in "biufc":
        return 0.0 if np.array_equal(output, expected) else None
    if not output.size:
        return 0.0
    wide = np.complex128 if output.dtype.kind == "c" else np.float64
    gap = float(np.abs(output.astype(wide) - expected.astype(wide)).max())
    scale = float(np.abs(expected.astype(wide)).max())
    error = gap / scale if scale else gap
    return error if np.isfinite(error) else None


def launch(job: Job, wire: Wire) -> Result:
    """Hold all sessions at once and run them in turns: one sampling unit."""
    from sepcost.latency import runtime  # noqa: PLC0415

    timed, short = [], job.slice_s < turns.SHORT_S
    for model in job.models:
        wire.stage("loading", model.name)
        made = runtime.session(model.path, job.runtime)
        arrays, _ = inputs.feeds(model.inputs, job.inputs, job.seed)
        run = runtime.runner(made, arrays, model)
        wire.stage("running", model.name)
        best = turns.warm_up(run, wire.beat, short=short)
        timed.append(turns.timed_model(run, best, short=short))
    wire.stage("running", " and ".join(model.name for model in job.models))
    turns.take_turns(timed, job.slice_s, job.seed + job.launch, wire.beat)
    split, represents = turns.SPLIT_SWITCHES, job.runtime.cpu_only and job.runtime.threads == 1
    return {
        "samples": [
            {
                "wall_ns": one.wall_ns,
                "switches": one.switches if split else [],
                "cpu_ns": one.cpu_ns if represents else [],
            }
            for one in timed
        ]
    }


def profile(job: Job, wire: Wire) -> Result:
    """Time the kernels of a labelled model."""
    from sepcost.latency import profiles  # noqa: PLC0415

    (model,) = job.models
    wire.stage("profiling", model.name)
    arrays, _ = inputs.feeds(model.inputs, job.inputs, job.seed)
    asked = job.runtime.reading(job.data_folder)
    folder = Path(gettempdir())
    return profiles.profile(model, asked, arrays, folder, job.most_runs, wire.beat)


def peaks(job: Job, wire: Wire) -> Result:
    """Measure the machine's peaks through this provider."""
    from sepcost.latency import peaks as machine  # noqa: PLC0415

    wire.stage("measuring", "the machine")
    return asdict(machine.measure(job.models, job.runtime, wire.beat, job.slice_s))


def observe(job: Job, wire: Wire) -> Result:
    """Run a model once, unoptimised, and return the output shapes of each kernel."""
    from sepcost.latency import runtime  # noqa: PLC0415
    from sepcost.latency.observe import kernels  # noqa: PLC0415

    (model,) = job.models
    prefix = str(Path(job.folder or ".") / "observed")

    def profiled(options: Any) -> None:
        options.enable_profiling = True
        options.profile_file_prefix = prefix

    wire.stage("loading", model.name)
    arrays, warnings = inputs.feeds(model.inputs, job.inputs, job.seed)
    made = runtime.session(model.path.read_bytes(), job.runtime, profiled)
    wire.stage("running", model.name)
    runtime.runner(made, arrays, model)()
    return {"kernels": kernels(Path(made.end_profiling())), "warnings": warnings}


def providers(job: Job, wire: Wire) -> Result:
    """List the built-in providers, and the usable ones of the plugins asked for."""
    from sepcost.latency import plugins, runtime  # noqa: PLC0415

    found = plugins.usable(job.runtime.providers)
    return {"usable": [asdict(one) for one in found], "onnxruntime": runtime.VERSION}


def facts(_: Job, wire: Wire) -> Result:
    """Describe this machine and its versions, for a parent on another machine."""
    from sepcost.latency import machine, runtime  # noqa: PLC0415

    wire.stage("describing", "the machine")
    python = ".".join(map(str, sys.version_info[:3]))
    versions = {"python": python, "numpy": np.__version__, "onnxruntime": runtime.VERSION}
    return {"machine": asdict(machine.facts()), "versions": versions}


TASKS: Mapping[str, Callable[[Job, Wire], Result]] = {
    "probe": probe,
    "launch": launch,
    "profile": profile,
    "observe": observe,
    "peaks": peaks,
    "providers": providers,
    "facts": facts,
}


def die_with_parent(stdin: IO[bytes]) -> None:
    """Exit when the parent ends in any way: stdin closes, and Linux sends a signal."""

    def watch() -> None:
        stdin.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spare_the_machine(cpu_only: bool) -> None:
    """Refuse memory beyond the physical amount, and be killed first if memory runs out."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - not on Windows

    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
        if cpu_only:  # other providers map far more memory than they use
            memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
            resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        return


def main() -> None:
    """Read the job, run it, send its result."""
    # Native libraries print to file descriptor 1, so messages use a copy of it.
    wire = Wire(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    job = Job.from_json(json.loads(sys.stdin.buffer.readline()))
    die_with_parent(sys.stdin.buffer)
    spare_the_machine(job.runtime.cpu_only)
    try:
        wire.send(done=TASKS[job.task](job, wire))
    except SepcostError as error:
        wire.send(failed={"type": type(error).__name__, "message": str(error)})
    except Exception as error:
        from sepcost.latency import runtime  # noqa: PLC0415

        known = runtime.explain(error, *wire.doing)
        wire.send(failed={"type": type(known).__name__, "message": str(known)})
    os._exit(0)  # skip destructors, as some providers crash in them; the result is already sent


if __name__ == "__main__":
    main()
