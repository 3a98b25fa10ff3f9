"""``sepcost analyze``: the cost of a network, regular against separable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sepcost.cli import kinds, parse
from sepcost.cli.guard import note, say
from sepcost.cli.options import budgets, files, models, rows, words
from sepcost.cli.options.words import Format
from sepcost.cli.output import emit, refuse_sources, refuse_terminal, write
from sepcost.cli.progress import progress
from sepcost.cost.analysis import Analysis
from sepcost.cost.results import Conventions
from sepcost.cost.words import plural
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import Rows, View

if TYPE_CHECKING:
    from sepcost.budget.results import Fault
    from sepcost.cost.ranges import Bindings, CostRange
    from sepcost.cost.symbolic import Symbolic

    Result = Analysis | CostRange | Symbolic

#: Notes shown per model; the others are only counted.
MOST_NOTES = 10
STDIN = "-"
#: Why layers are not counted, and what may help.
REMEDIES = {
    "not counted (a shape is unknown)": "--observe may find the shape",
    "not counted (no formula for this operator)": "add a formula with --operators",
}


@dataclass(frozen=True, slots=True)
class Request:
    """Sources as typed, and how to count them."""

    sources: Sequence[str]
    several: bool  # whether a folder or a glob is among them
    convs: Sequence[str]
    binds: Sequence[Bindings]
    alpha: float | None
    rho: float | None
    conventions: Conventions
    arguments: Mapping[str, Any] = field(default_factory=dict)  # passed on to the API unchanged
    kind: str = "analyze"  # of the result: the folder of its formats

    def __post_init__(self) -> None:
        """Note whether a dimension has a range.

        Raises
        ------
        SepcostError
            If it has, and offsets are asked for.
        """
        ranges = [(n, s) for bind in self.binds for n, s in bind.items() if isinstance(s, range)]
        if ranges and self.kind != "analyze":
            name, sizes = ranges[0]
            one = f"--bind {name}={sizes[-1]}"
            raise SepcostError(f"{kinds.WORDS[self.kind]} takes sizes, not a range; give {one}")
        if ranges:
            object.__setattr__(self, "kind", "ranges")


def analyze(
    sources: models.Sources = None,
    bind: models.Sweep = None,
    symbolic: models.Symbolic = False,
    memory: models.Memory = False,
    on: models.On = None,
    shape: models.NamedShape = None,
    trips: models.Trips = None,
    observe: models.Observe = False,
    inputs: models.Inputs = None,
    conv: models.Conv = None,
    alpha: models.Alpha = None,
    rho: models.Rho = None,
    by: rows.By = None,
    depth: rows.Depth = None,
    top: rows.Top = None,
    sort: rows.Sort = None,
    only: rows.Only = None,
    unit: rows.Unit = words.Unit.MACS,
    operators: rows.Operators = None,
    conv_transpose: rows.ConvTranspose = words.Positions.INPUT,
    count_bias: rows.CountBias = False,
    if_: rows.If = words.IfBranch.MAX,
    format_: files.Format = Format.TABLE,
    output: files.Output = None,
    netron: files.Netron = None,
    jobs: budgets.Jobs = None,
    quiet: files.Quiet = False,
) -> None:
    """Count MACs, params and memory, as is and with separable convolutions.

    [bold]sepcost analyze mobilenet-v1 vgg16[/]              two networks side by side
    [bold]sepcost analyze models/ 'zoo/**/*.onnx'[/]         one row per model
    [bold]sepcost analyze m.onnx --bind N=1,8[/]             two batch sizes
    [bold]sepcost analyze m.onnx --bind H=224:640:32[/]      smallest and largest totals
    [bold]sepcost analyze m.onnx --symbolic[/]               cost as polynomials of N, H, W
    [bold]sepcost analyze m.onnx --memory[/]                 activations in one arena
    [bold]sepcost analyze m.onnx --on pi5.toml[/]            lower bounds on latency
    [bold]sepcost analyze m.onnx --by op --sort params[/]    where the weights are
    [bold]sepcost analyze m.onnx -f html -o cost.html[/]     a page to read and share
    [bold]sepcost analyze --conv 3x3,512,512,14[/]           one layer, without a file

    In a terminal, the table shows only the 30 layers with the most MACs. Piped or
    written to a file, it shows every layer, 160 characters wide; set COLUMNS to
    change the width. --inputs implies --observe.
    """
    from sepcost.evidence.sources import expanded

    named = expanded(sources or ())
    request = Request(
        named.names, named.several, conv or (), kinds.binds(bind or (), symbolic), alpha, rho,
        Conventions(conv_transpose.value, count_bias, if_.value),
        {"shape": parse.named_shapes(shape or ()), "trips": parse.trips(trips or ()),
         "observe": observe or inputs is not None, "inputs": inputs,
         "operators": parse.operators(operators)},
        kinds.kind(symbolic, memory, on),
    )  # fmt: skip
    _check(request, output, netron)
    refuse_terminal(format_, output)
    one_row = request.several or len(request.binds) > 1
    row = (by or (words.By.MODEL if one_row else words.By.LAYER)).value
    shown = Rows(
        row, depth, tuple(only or ()), sort.value if sort else None, unit.value, bool(conv)
    )
    kinds.refuse_rows(request.kind, format_, by or depth or only or sort or netron or conv)
    peaks = kinds.peaks(on)
    analyses, faults = _analyses(request, jobs, quiet)
    view = View(shown, top, screen(output is not None), unread=faults)
    results = analyses if peaks is None else kinds.on_machine(peaks, analyses)
    text = renderer(request.kind, format_)(results, view)
    if netron is not None:
        write(renderer("analyze", "netron")(analyses, view).encode(), netron)
    emit(text, output)
    if not quiet:
        _notes(analyses, bool(request.arguments["observe"]))
        _unmatched(analyses, shown.only)
    for fault in faults:
        say(f"sepcost: error: {fault.model}: {fault.message}")
    if faults:
        raise typer.Exit(min(fault.exit_code for fault in faults))


def _check(request: Request, output: Path | None, netron: Path | None) -> None:
    """Refuse contradictory arguments before any work is done."""
    if not request.sources and not request.convs:
        raise SepcostError(
            "nothing to analyze; name an ONNX file, a layer spec or a shipped network "
            "('sepcost networks' lists them), or describe one layer with --conv 3x3,512,512,14"
        )
    if request.sources and request.convs:
        raise SepcostError("--conv and SOURCE cannot be combined; give one or the other")
    if request.sources.count(STDIN) > 1:
        raise SepcostError("stdin can be read only once; give - once")
    if netron and (len(request.sources) != 1 or len(request.binds) > 1):
        raise SepcostError("--netron describes one model; name one SOURCE, at one size")
    for path in (output, netron):
        refuse_sources(path, request.sources)


def _analyses(
    request: Request, jobs: int | None, quiet: bool
) -> tuple[Sequence[Result], list[Fault]]:
    """Analyze every source. If there are several, one that cannot be read does not stop it."""
    if request.convs:
        return [each for text in request.convs for each in _single(request, text)], []
    arguments = dict(request.arguments)
    shape, trips = arguments.pop("shape"), arguments.pop("trips")
    route = kinds.route(request.kind)
    count: Callable[..., tuple[Any, ...]] = partial(
        route, alpha=request.alpha, rho=request.rho, conventions=request.conventions, **arguments
    )
    if len(request.sources) == 1 and not request.several:
        (source,) = request.sources
        with progress(f"counting {source}", quiet):
            return list(count(source, request.binds, shape=shape, trips=trips)), []
    from sepcost.evidence.sweeps import NamedSizes, settled, swept

    sizes = NamedSizes(request.binds, shape, trips)
    # The user's formulas, and stdin, are available only in this process.
    alone = arguments["operators"] is not None or STDIN in request.sources
    total = len(request.sources)
    done = []
    with progress(f"counting {plural(total, 'model')}", quiet) as tell:
        for one in swept(request.sources, count, sizes, 1 if alone else jobs):
            done.append(one)
            tell(f"counting: {len(done)} of {plural(total, 'model')} done")
    return settled(done)


def _single(request: Request, text: str) -> Iterator[Analysis]:
    """The layer as it is, with α, and with α and ρ: the rows of the paper's table 3."""
    from sepcost.routes.analyze import analyze_convolution

    count = partial(analyze_convolution, text, conventions=request.conventions)
    yield count()
    if request.alpha is not None:
        yield count(alpha=request.alpha)
    if request.rho is not None:
        yield count(alpha=request.alpha or 1.0, rho=request.rho)


def _unmatched(analyses: Sequence[Result], only: Sequence[str]) -> None:
    """Say which values of --only match no layer of any model."""
    from sepcost.report.analyze.select import matching

    counted = [each for each in analyses if isinstance(each, Analysis)]
    for text in dict.fromkeys(only):
        if counted and not any(matching(each.rows, [text]) for each in counted):
            note(f"no layer matches --only {text}")


def _notes(analyses: Sequence[Result], observed: bool) -> None:
    """Print each note once, with the model it refers to."""
    for source in dict.fromkeys(analysis.source for analysis in analyses):
        those = [each for each in analyses if each.source == source]
        lines = _remedied(list(dict.fromkeys(n for each in those for n in each.warnings)), observed)
        for line in lines[:MOST_NOTES]:
            note(line if line.startswith(source) else f"{source}: {line}")
        if len(lines) > MOST_NOTES:
            note(f"{source}: {len(lines) - MOST_NOTES} more (--format json lists them)")
        advised = [each for each in those if isinstance(each, Analysis)]
        for line in dict.fromkeys(line for each in advised for line in each.advice):
            note(f"{source}: {line}")


def _remedied(lines: Sequence[str], observed: bool) -> list[str]:
    """Append each remedy to the first note that it fits, unless another note names it."""
    shape, formula = REMEDIES
    open_ = dict(REMEDIES)
    runs = not any(formula in line for line in lines)  # ONNX Runtime rarely has such an operator
    if observed or not runs or any("--observe" in line for line in lines):
        del open_[shape]
    found = []
    for line in lines:
        why = next((why for why in open_ if why in line), None)
        found.append(line if why is None else f"{line}; {open_.pop(why)}")
    return found
