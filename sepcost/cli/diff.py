"""``sepcost diff``: changes between two models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sepcost.cli import parse
from sepcost.cli.guard import note
from sepcost.cli.options import files, models, rows
from sepcost.cli.options.words import DiffFormat
from sepcost.cli.output import emit, refuse_sources, refuse_terminal
from sepcost.cli.progress import progress
from sepcost.cli.screen import screen

if TYPE_CHECKING:
    from sepcost.cost.diff import Diff

#: Layers shown at a terminal without --top.
BRIEF = 30


def diff(
    old: models.Old,
    new: models.New,
    bind: models.Bind = None,
    shape: models.Shape = None,
    top: rows.Top = None,
    format_: files.DiffFormat = DiffFormat.TABLE,
    output: files.Output = None,
    quiet: files.Quiet = False,
) -> None:
    """Show what changed between two models: layers added, removed or changed, with their cost.

    [bold]sepcost diff old.onnx new.onnx[/]
    [bold]sepcost diff git:origin/main models/detector.onnx[/]    the same path on main
    [bold]sepcost diff old.onnx new.onnx -f markdown[/]           for a pull request

    Layers are matched by name and structure, so renumbering does not count as a change.
    Weight values are not compared.
    """
    from sepcost.routes.diff import diff as compare

    refuse_sources(output, [old, new])
    refuse_terminal(format_, output)
    bound = parse.binding(bind, "diff compares models at one size")
    with progress("comparing", quiet):
        found = compare(old, new, bind=bound, shape=parse.shapes(shape or ()))
    place = screen(output is not None)
    brief = BRIEF if place.terminal and format_ is DiffFormat.TABLE else 0
    emit(RENDER[format_](found, brief if top is None else top), output)
    if not quiet:
        for warning in dict.fromkeys([*found.old.warnings, *found.new.warnings]):
            note(warning)


def _table(found: Diff, top: int) -> str:
    from sepcost.report import diff_text

    return diff_text.render(found, top)


def _json(found: Diff, _: int) -> str:
    from sepcost.report import diff_json

    return diff_json.render(found)


def _markdown(found: Diff, top: int) -> str:
    from sepcost.report import diff_markdown

    return diff_markdown.render(found, top)


def _html(found: Diff, _: int) -> str:
    from sepcost.report.html import diff as page

    return page.render(found)


RENDER: Mapping[DiffFormat, Callable[[Diff, int], str]] = {
    DiffFormat.TABLE: _table,
    DiffFormat.JSON: _json,
    DiffFormat.MARKDOWN: _markdown,
    DiffFormat.HTML: _html,
}
