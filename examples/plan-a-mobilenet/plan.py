"""The trade-off tables of the MobileNets paper, with the latency of this machine.

``python plan.py [SPEC] [--max-time S]``: SPEC is a layer spec or a shipped network. Accuracies come
from the paper; everything else is counted and measured here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import sepcost
from sepcost.model import spec

PAPER = "mobilenet-v1"
ALPHAS = (1.0, 0.75, 0.5, 0.25)
RHOS = (1.0, 6 / 7, 5 / 7, 4 / 7)  # 224, 192, 160 and 128 pixels

#: Top-1 on ImageNet in per cent, tables 4 to 7 of Howard et al., arXiv 1704.04861.
ACCURACY = {
    ("mobilenet-v1-full-conv", 1.0, 1.0): 71.7,
    ("mobilenet-v1-shallow", 1.0, 1.0): 65.3,
    (PAPER, 1.0, 1.0): 70.6,
    (PAPER, 0.75, 1.0): 68.4,
    (PAPER, 0.5, 1.0): 63.7,
    (PAPER, 0.25, 1.0): 50.6,
    (PAPER, 1.0, RHOS[1]): 69.1,
    (PAPER, 1.0, RHOS[2]): 67.2,
    (PAPER, 1.0, RHOS[3]): 64.4,
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One network of the sweep."""

    source: str
    alpha: float = 1.0
    rho: float = 1.0

    @property
    def name(self) -> str:
        """The name of the row and of the measured file."""
        parts = [Path(self.source).stem]
        parts += [f"a{self.alpha:g}"] if self.alpha != 1 else []
        parts += [f"r{self.rho:.3g}"] if self.rho != 1 else []
        return "-".join(parts)


def tables(source: str) -> dict[str, list[Variant]]:
    """Title -> networks to compare; the first is the reference."""
    wider = [Variant(source, alpha=alpha) for alpha in ALPHAS]
    larger = [Variant(source, rho=rho) for rho in RHOS]
    compared = {"Width multiplier": wider, "Resolution multiplier": larger}
    if source == PAPER:
        full, shallow = Variant(f"{PAPER}-full-conv"), Variant(f"{PAPER}-shallow")
        compared = {
            "Separable against full convolutions": [full, Variant(PAPER)],
            "Narrow against shallow": [Variant(PAPER, alpha=0.75), shallow],
        } | compared
    return compared


def latencies(variants: Sequence[Variant], seconds: float) -> dict[Variant, float]:
    """Milliseconds of each network, measured interleaved; empty if no time is given."""
    if not seconds:
        return {}
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{variant.name}.onnx" for variant in variants]
        for variant, file in zip(variants, files, strict=True):
            text = Path(variant.source)
            path = text if text.suffix == ".toml" else spec.find(variant.source)
            model = spec.build(path, alpha=variant.alpha, rho=variant.rho)
            file.write_bytes(model.SerializeToString())
        result = sepcost.bench(files, settings=sepcost.Settings(max_time_s=seconds))
    times = [model.latency.estimate / 1e6 for model in result.models]
    return dict(zip(variants, times, strict=True))


def rows(variants: Sequence[Variant], times: dict[Variant, float]) -> Iterator[str]:
    """A Markdown table; the last two columns are relative to the first row."""
    yield "| network | top-1 (paper) | M MACs | M params | ms | fewer MACs | faster |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    totals = {v: sepcost.analyze(v.source, alpha=v.alpha, rho=v.rho).totals for v in variants}
    first = variants[0]
    for variant in variants:
        top1 = ACCURACY.get((variant.source, variant.alpha, variant.rho))
        macs, time = totals[variant].macs, times.get(variant)
        cells = [
            variant.name,
            f"{top1}%" if top1 else "",
            f"{macs / 1e6:.4g}",
            f"{totals[variant].params / 1e6:.3g}",
            f"{time:.3g}" if time else "",
            f"{totals[first].macs / macs:.2f}×",
            f"{times[first] / time:.2f}×" if time else "",
        ]
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure every network of every table once, then print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("spec", nargs="?", default=PAPER)
    parser.add_argument("--max-time", type=float, default=60, metavar="S", help="0: only count")
    options = parser.parse_args()
    wanted = tables(options.spec)
    unique = list(dict.fromkeys(variant for each in wanted.values() for variant in each))
    times = latencies(unique, options.max_time)
    for title, variants in wanted.items():
        print(f"## {title}\n")
        print("\n".join(rows(variants, times)), end="\n\n")


if __name__ == "__main__":
    main()
