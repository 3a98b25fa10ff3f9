"""What to tell the user about a measurement: what was wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sepcost.latency.providers import CPU
from sepcost.latency.results import Machine, OutputDifference, Placement
from sepcost.latency.stats import MARGIN, Samples, Statistic

#: Float32 kernels that sum in another order differ by less than this.
LARGE_DIFFERENCE = 1e-3
LISTED = 5
BUSY = 0.5  # of the cores wanted by others


def of_machine(machine: Machine, threads: int) -> Iterator[str]:
    """Say what on the machine makes times unsteady or surprising."""
    if machine.load is not None and machine.load > BUSY * machine.cores:
        yield (
            f"the machine is busy (load {machine.load:.1f} on {machine.cores} cores): ratios hold, "
            f"but stop other programs for the best precision"
        )
    if threads > machine.cores:
        yield (
            f"{threads} threads on {machine.cores} cores wait for each other: "
            f"use --threads {machine.cores} or fewer"
        )
    if machine.governor == "powersave":
        yield "the CPU governor is 'powersave': 'performance' gives steadier times"


def of_precision(reached: float, target: float, launches: int) -> Iterator[str]:
    """Say that the interval is wider than was asked for."""
    if launches < 2:
        yield "one launch has no interval: raise --max-time or --launches"
    elif reached > target:
        yield (
            f"the interval of +-{reached:.1%} did not reach the target of {target:.1%} in "
            f"{launches} launches: raise --max-time, or quieten the machine"
        )


def of_statistics(statistics: Sequence[Statistic], launches: Sequence[Samples]) -> Iterator[str]:
    """Say where the best statistic could not be had."""
    if not any(samples.switches for samples in launches):
        yield (
            "this platform does not count involuntary context switches, so disturbed runs could "
            "not be told from others"
        )
    if Statistic.P10 in statistics:
        yield (
            "too few undisturbed runs: some launches rest on the 10th percentile, which is noisy; "
            "stop other programs, or use --threads 1"
        )


def of_fallback(placement: Sequence[Placement], asked: Sequence[str]) -> Iterator[str]:
    """List the nodes that ran elsewhere than on a provider that was asked for."""
    if not placement and set(asked) != {CPU}:
        yield "this ONNX Runtime does not tell where nodes ran: 1.24 and newer do"
    total = sum(part.nodes for part in placement)
    for part in placement:
        if part.provider not in asked and part.nodes:
            some = ", ".join(part.layers[:LISTED]) or "all of them"
            more = ", ..." if len(part.layers) > LISTED else ""
            yield (
                f"{part.nodes} of {total} nodes fell back to {part.provider} "
                f"from {', '.join(asked)}: {some}{more}"
            )


def of_no_use(placement: Sequence[Placement], asked: Sequence[str]) -> Iterator[str]:
    """Say that no node ran on any provider that was asked for beside the CPU."""
    wanted = [name for name in asked if name != CPU]
    used = {part.provider for part in placement if part.nodes}
    if wanted and used and not used & set(wanted):
        yield f"{' and '.join(wanted)} took no node: all ran on {' and '.join(sorted(used))}"


def of_differences(differences: Sequence[OutputDifference], provider: str) -> Iterator[str]:
    """Name the outputs that are far from the CPU provider's."""
    for one in differences:
        if one.relative_error is None:
            yield f"output {one.output!r} of {provider} is not finite, or no match for the CPU's"
        elif one.relative_error > LARGE_DIFFERENCE:
            yield (
                f"output {one.output!r} of {provider} differs from the CPU's by "
                f"{one.relative_error:.1e} of its largest value: check the provider's precision"
            )


def of_verdict(target: float, reached: float, smallest: float) -> str:
    """Say what would help where a comparison is inconclusive."""
    if reached > target:
        return (
            f"this measurement could show changes from {smallest:.1%} up: raise --max-time, or "
            f"quieten the machine"
        )
    return f"the difference is near {MARGIN * target:.1%}: set a smaller --precision-target"
