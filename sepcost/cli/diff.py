"""``sepcost diff``: what changed between two models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sepcost.cli import check_options as opt
from sepcost.cli import options, parse
from sepcost.cli.check_options import DiffFormat
from sepcost.cli.guard import note
from sepcost.cli.output import emit, refuse_sources, refuse_terminal
from sepcost.cli.progress import progress
from sepcost.cli.screen import screen
from sepcost.errors import SepcostError

if TYPE_CHECKING:
    from sepcost.cost.diff import Diff

GIT = "git:"
#: Layers shown at a terminal where nobody asked for more.
BRIEF = 30


def diff(
    old: opt.Old,
    new: opt.New,
    bind: options.Bind = None,
    shape: options.ShapeOf = None,
    weights: opt.Weights = False,
    top: opt.Top = None,
    format_: opt.DiffFormatOption = DiffFormat.TABLE,
    output: options.Output = None,
    quiet: options.Quiet = False,
) -> None:
    """Tell what changed between two models: layers added, removed, changed, with their cost.

    [bold]sepcost diff old.onnx new.onnx[/]
    [bold]sepcost diff git:origin/main models/detector.onnx[/]    the same path on main
    [bold]sepcost diff old.onnx new.onnx -f markdown[/]           for a pull request

    Layers are matched by name and by structure, so that renumbering changes nothing.
    """
    refuse_sources(output, [old, new])
    refuse_terminal(format_, output)
    bound = parse.binding(bind, "diff compares one size at a time")
    with _source(old, new) as before, progress("comparing", quiet):
        sizes = {"bind": bound, "shape": parse.shapes(shape or ())}
        found = _compared(before, (old, new), sizes, weights)
    place = screen(output is not None)
    brief = BRIEF if place.terminal and format_ is DiffFormat.TABLE else None
    emit(RENDER[format_](found, brief if top is None else top), output)
    if not quiet:
        for warning in dict.fromkeys([*found.old.warnings, *found.new.warnings]):
            note(warning)


def _compared(before: str, named: tuple[str, str], sizes: Mapping[str, Any], weights: bool) -> Diff:
    """Compare, and call the old side what the user called it."""
    from dataclasses import replace

    from sepcost.routes.diff import diff

    found = diff(before, named[1], weights=weights, **sizes)
    return replace(found, old=replace(found.old, source=named[0]))


@contextmanager
def _source(old: str, new: str) -> Iterator[str]:
    """The old model; ``git:REV`` stands for the new one's path at that revision."""
    if not old.startswith(GIT):
        yield old
        return
    from sepcost.evidence.revision import resolve

    with TemporaryDirectory(prefix="sepcost-") as folder:
        revision = resolve(old.removeprefix(GIT), Path(new).absolute().parent)
        found = revision.extract(Path(new), Path(folder))
        if found is None:
            raise SepcostError(f"{old}: has no file {new}")
        yield str(found)


def _table(found: Diff, top: int | None) -> str:
    from sepcost.report import diff_text

    return diff_text.render(found, top or 0)


def _json(found: Diff, _: int | None) -> str:
    from sepcost.report import diff_json

    return diff_json.render(found)


def _markdown(found: Diff, top: int | None) -> str:
    from sepcost.report import diff_markdown

    return diff_markdown.render(found, top)


def _html(found: Diff, _: int | None) -> str:
    from sepcost.report.html import diff as page

    return page.render(found)


RENDER: Mapping[DiffFormat, Callable[[Diff, int | None], str]] = {
    DiffFormat.TABLE: _table,
    DiffFormat.JSON: _json,
    DiffFormat.MARKDOWN: _markdown,
    DiffFormat.HTML: _html,
}
