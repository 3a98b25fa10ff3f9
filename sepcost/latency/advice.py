"""Warnings about a measurement, each with a remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from sepcost.cost.blocked import Outside
from sepcost.latency.providers import CPU
from sepcost.latency.results import LayerTime, Machine, OutputDifference, Placement
from sepcost.latency.stats import MARGIN, Samples, Statistic

#: Float32 kernels that sum in a different order differ by less than this.
LARGE_DIFFERENCE = 1e-3
LISTED = 5
#: Below this share of a run, times of kernels are those of launches.
COVERED = 0.5
WAITING = ("Memcpy", "Loop", "Scan", "If")
X86 = ("x86_64", "AMD64")  # as Linux and macOS, and as Windows call it
BUSY = 0.5  # a machine with more load per core counts as busy


def of_machine(machine: Machine, threads: int, models: int) -> Iterator[str]:
    """Warn about conditions of the machine that make times unsteady or misleading."""
    if machine.load is not None and machine.load > BUSY * machine.cores:
        busy = f"the machine is busy (load {machine.load:.1f} on {machine.cores} cores)"
        if models > 1:
            yield f"{busy}: ratios stay valid, but stop other programs for the best precision"
        else:
            yield f"{busy}: stop other programs for reliable figures"
    if threads > machine.cores:
        yield (
            f"{threads} threads compete for {machine.cores} cores: "
            f"use --threads {machine.cores} or fewer"
        )
    if machine.governor == "powersave":
        yield "the CPU governor is 'powersave': 'performance' gives steadier times"


def of_versions(machine: Machine) -> Iterator[str]:
    """Tell if another machine has another ONNX Runtime than this one."""
    here = version_here("onnxruntime")
    if machine.host and here and here != machine.onnxruntime:
        yield (
            f"ONNX Runtime {machine.onnxruntime} on {machine.host}, {here} here: "
            f"'sepcost host setup {machine.host}' installs {here} there if it can"
        )


def version_here(package: str) -> str | None:
    """The installed version of a package; None if it has another name, as onnxruntime-gpu."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def of_precision(reached: float, target: float, launches: int) -> Iterator[str]:
    """Warn about an interval wider than the target."""
    if launches < 2:
        yield "one process gives no interval: raise --max-time or --launches"
    elif reached > target:
        yield (
            f"the interval is wider than the target of ± {100 * target:.3g}% after {launches} "
            "processes: raise --max-time, or stop other programs"
        )


def of_statistics(statistics: Sequence[Statistic], launches: Sequence[Samples]) -> Iterator[str]:
    """Warn if the best statistic was not available."""
    if not any(samples.switches for samples in launches):
        yield (
            "this platform does not count involuntary context switches, so disturbed runs cannot "
            "be recognised"
        )
    if Statistic.P10 in statistics:
        yield (
            "too few undisturbed runs: some processes use the 10th percentile, which is noisy; "
            "stop other programs, or use --threads 1"
        )


def of_fallback(placement: Sequence[Placement], asked: Sequence[str]) -> Iterator[str]:
    """Warn about nodes that did not run on a provider that was asked for."""
    if not placement and set(asked) != {CPU}:
        yield "this ONNX Runtime does not report where nodes ran: use 1.24 or newer"
    total = sum(part.nodes for part in placement)
    for part in placement:
        if part.provider not in asked and part.nodes:
            some = ", ".join(part.layers[:LISTED]) or "all nodes"
            more = ", ..." if len(part.layers) > LISTED else ""
            yield (
                f"{part.nodes} of {total} nodes fell back to {part.provider} "
                f"from {', '.join(asked)}: {some}{more}"
            )


def of_no_use(placement: Sequence[Placement], asked: Sequence[str]) -> Iterator[str]:
    """Warn if no node ran on any provider that was asked for, other than the CPU."""
    wanted = [name for name in asked if name != CPU]
    used = {part.provider for part in placement if part.nodes}
    if wanted and used and not used & set(wanted):
        yield f"{' and '.join(wanted)} ran no node: all ran on {' and '.join(sorted(used))}"


def of_differences(differences: Sequence[OutputDifference], provider: str) -> Iterator[str]:
    """Warn about outputs that differ from the CPU provider's."""
    for one in differences:
        if one.relative_error is None:
            yield f"output {one.output!r} of {provider} is not finite, or of another shape or type"
        elif one.relative_error > LARGE_DIFFERENCE:
            yield (
                f"output {one.output!r} of {provider} differs from the CPU's by "
                f"{one.relative_error:.1e} of its largest value: check the provider's precision"
            )


def of_coverage(rows: Sequence[LayerTime], latency_ns: float) -> Iterator[str]:
    """Say why there are no times per layer: for asynchronous kernels, they would be launch times.

    Copies and control flow wait for such kernels. The CPU's own kernels are always timed whole.
    """
    names = sorted({row.provider for row in rows if row.provider} - {CPU})
    timed = sum(row.time_ns for row in rows if not row.kernel.startswith(WAITING))
    if names and timed < COVERED * latency_ns:
        yield (
            f"no times per layer: kernels take only {timed / latency_ns:.2%} of a run, since "
            f"{' and '.join(names)} runs them asynchronously and ONNX Runtime times their "
            "launches; use a profiler of the device"
        )


def of_layout(
    rows: Sequence[LayerTime], found: Sequence[Outside], machine: Machine
) -> Iterator[str]:
    """Name layers that the CPU provider runs outside its blocked layout on x86-64."""
    if not machine.system.endswith(X86):
        return
    for each in found:
        slow = {row.layer.id for row in each.layers}
        share = sum(
            row.share for row in rows if row.provider == CPU and slow.intersection(row.nodes)
        )
        if share:
            yield each.line(f" ({share:.0%} of the run)")


def of_verdict(target: float, reached: float, smallest: float) -> str:
    """Remedy for an inconclusive comparison."""
    if reached > target:
        return (
            f"this measurement detects changes of {smallest:.1%} or more: raise --max-time, or "
            f"stop other programs"
        )
    return f"the difference is close to {MARGIN * target:.1%}: set a smaller --precision-target"
