"""``sepcost analyze``: what a network costs, regular against separable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sepcost.cli import options, parse
from sepcost.cli.guard import note
from sepcost.cli.options import Branch, By, Format, Side, Unit
from sepcost.cli.output import emit, refuse_sources, refuse_terminal, write
from sepcost.cli.progress import progress
from sepcost.cost.analysis import Analysis, Conventions
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import Rows, View

#: Notes on one model that are told before the rest is summed up.
MOST_NOTES = 10
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Request:
    """What to count, as typed, and how."""

    sources: Sequence[str]
    convs: Sequence[str]
    binds: Sequence[Mapping[str, int]]
    alpha: float | None
    rho: float | None
    conventions: Conventions
    how: Mapping[str, Any] = field(default_factory=dict)  # handed on to the API as it is


def analyze(
    sources: options.Sources = None,
    bind: options.Bind = None,
    shape: options.ShapeOf = None,
    trips: options.Trips = None,
    observe: options.Observe = False,
    inputs: options.Inputs = None,
    conv: options.Conv = None,
    alpha: options.Alpha = None,
    rho: options.Rho = None,
    by: options.ByOption = None,
    depth: options.Depth = None,
    top: options.Top = None,
    sort: options.SortOption = None,
    only: options.Only = None,
    unit: options.UnitOption = Unit.MACS,
    operators: options.Operators = None,
    conv_transpose: options.ConvTranspose = Side.INPUT,
    count_bias: options.CountBias = False,
    if_: options.If = Branch.MAX,
    format_: options.FormatOption = Format.TABLE,
    output: options.Output = None,
    netron: options.Netron = None,
    quiet: options.Quiet = False,
) -> None:
    """Count MACs, parameters and memory, and what separable convolution would make of them.

    [bold]sepcost analyze mobilenet-v1 vgg16[/]                   side by side
    [bold]sepcost analyze model.onnx --bind N=1,8[/]              a dynamic batch, twice
    [bold]sepcost analyze model.onnx --by op --sort params[/]     where the weights are
    [bold]sepcost analyze model.onnx -f html -o report.html[/]    to look at and to share
    [bold]sepcost analyze --conv 3x3,512,512,14 --alpha 0.75[/]   one layer, no file

    At a terminal, a table shows the 30 dearest of the layers that cost MACs, and
    how many it leaves out. Piped or written to a file it shows all of them, plain
    and 160 characters wide; the variable COLUMNS sets another width.
    """
    request = Request(
        sources or (), conv or (), parse.sweep(bind or ()), alpha, rho,
        Conventions(conv_transpose.value, count_bias, if_.value),
        {"shape": parse.shapes(shape or ()), "trips": parse.trips(trips or ()),
         "observe": observe or inputs is not None, "inputs": inputs,
         "operators": parse.operators(operators)},
    )  # fmt: skip
    _check(request, output, netron)
    refuse_terminal(format_, output)
    swept = len(request.binds) > 1
    row = (by or (By.MODEL if swept else By.LAYER)).value
    rows = Rows(row, depth, only, sort.value if sort else None, unit.value, variants=bool(conv))
    view = View(rows, top, screen(output is not None))
    analyses = _analyses(request, quiet)
    text = renderer("analyze", format_)(analyses, view)
    if netron is not None:
        write(renderer("analyze", "netron")(analyses, view).encode(), netron)
    emit(text, output)
    if not quiet:
        _notes(analyses)


def _check(request: Request, output: Path | None, netron: Path | None) -> None:
    """Refuse what cannot be meant, before any work is done."""
    if not request.sources and not request.convs:
        raise SepcostError(
            "nothing to analyze: name an ONNX file, a layer spec or a shipped network "
            "('sepcost networks' lists them), or describe one layer with --conv 3x3,512,512,14"
        )
    if request.sources and request.convs:
        raise SepcostError("--conv stands alone: it takes the place of a file")
    if request.sources.count(STDIN) > 1:
        raise SepcostError("stdin (-) can be read only once")
    if netron and (len(request.sources) != 1 or len(request.binds) > 1):
        raise SepcostError("--netron writes the figures of one model: name one, at one --bind")
    for path in (output, netron):
        refuse_sources(path, request.sources)


def _analyses(request: Request, quiet: bool) -> list[Analysis]:
    if request.convs:
        return [found for text in request.convs for found in _single(request, text)]
    from sepcost.routes.analyze import sweep

    found: list[Analysis] = []
    for source in request.sources:
        with progress(f"counting {source}", quiet):
            found += sweep(
                source, request.binds, alpha=request.alpha, rho=request.rho,
                conventions=request.conventions, **request.how,
            )  # fmt: skip
    return found


def _single(request: Request, text: str) -> Iterator[Analysis]:
    """The layer as it is, then thinned by α, then shrunk by ρ: the rows of the paper's table 3."""
    from sepcost.routes.analyze import analyze_convolution

    count = partial(analyze_convolution, text, conventions=request.conventions)
    yield count()
    if request.alpha is not None:
        yield count(alpha=request.alpha)
    if request.rho is not None:
        yield count(alpha=request.alpha or 1.0, rho=request.rho)


def _notes(analyses: Sequence[Analysis]) -> None:
    """Tell each note once, with the model that it is about."""
    for source in dict.fromkeys(analysis.source for analysis in analyses):
        told = dict.fromkeys(
            warning for found in analyses if found.source == source for warning in found.warnings
        )
        for warning in list(told)[:MOST_NOTES]:
            note(warning if warning.startswith(source) else f"{source}: {warning}")
        if len(told) > MOST_NOTES:
            note(f"{source}: {len(told) - MOST_NOTES} more (--format json lists them)")
