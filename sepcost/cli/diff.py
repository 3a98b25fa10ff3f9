"""``sepcost diff``: changes between two models."""

from __future__ import annotations

from sepcost.cli import parse
from sepcost.cli.guard import note
from sepcost.cli.options import files, models, rows
from sepcost.cli.options.words import DiffFormat
from sepcost.cli.output import emit, refuse_sources, refuse_terminal
from sepcost.cli.progress import progress
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import View


def diff(
    old: models.Old,
    new: models.New,
    bind: models.Bind = None,
    shape: models.Shape = None,
    weights: rows.Weights = False,
    top: rows.Top = None,
    format_: files.DiffFormat = DiffFormat.TABLE,
    output: files.Output = None,
    quiet: files.Quiet = False,
) -> None:
    """Compare two models layer by layer.

    [bold]sepcost diff old.onnx new.onnx[/]
    [bold]sepcost diff git:origin/main models/detector.onnx[/]    the same path on main
    [bold]sepcost diff old.onnx new.onnx -f markdown[/]           for a pull request

    Layers are matched by name and structure, so renumbering is not a change. The
    values of the weights are compared only with --weights.
    """
    from sepcost.routes.diff import diff as compare

    refuse_sources(output, [old, new])
    refuse_terminal(format_, output)
    bound = parse.binding(bind, "diff compares models at one size")
    with progress("comparing", quiet):
        changes = compare(old, new, bind=bound, shape=parse.shapes(shape or ()), weights=weights)
    view = View(top=top, screen=screen(output is not None))
    emit(renderer("diff", format_)(changes, view), output)
    if not quiet:
        for warning in dict.fromkeys([*changes.old.warnings, *changes.new.warnings]):
            note(warning)
