"""``sepcost diff``: what changed between two models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sepcost.cli import check_options as opt
from sepcost.cli import options, parse
from sepcost.cli.check_options import DiffFormat
from sepcost.cli.guard import note
from sepcost.cli.output import emit, refuse_sources, refuse_terminal
from sepcost.cli.progress import progress
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.cost.diff import Diff

GIT = "git:"


def diff(
    old: opt.Old,
    new: opt.New,
    bind: options.Bind = None,
    shape: options.ShapeOf = None,
    top: opt.Top = None,
    format_: opt.DiffFormatOption = DiffFormat.TABLE,
    output: options.Output = None,
    quiet: options.Quiet = False,
) -> None:
    """Tell what changed between two models: layers added, removed, changed, with their cost.

    [bold]sepcost diff old.onnx new.onnx[/]
    [bold]sepcost diff git:origin/main models/detector.onnx[/]    the same path on main
    [bold]sepcost diff old.onnx new.onnx -f markdown[/]           for a pull request

    Layers are matched by name and by structure, so that renumbering changes nothing. The values
    of weights are not compared.
    """
    refuse_sources(output, [old, new])
    refuse_terminal(format_, output)
    bound = parse.binding(bind, "diff compares one size at a time")
    with _source(old, new) as before, progress("comparing", quiet):
        found = _compared(before, (old, new), bound, parse.shapes(shape or ()))
    view = View(top=top, screen=screen(output is not None))
    emit(renderer("diff", format_)(found, view), output)
    if not quiet:
        for warning in dict.fromkeys([*found.old.warnings, *found.new.warnings]):
            note(warning)


def _compared(
    before: str,
    named: tuple[str, str],
    bind: Mapping[str, int],
    shape: Mapping[str, tuple[int, ...]],
) -> Diff:
    """Compare, and call the old side what the user called it."""
    from dataclasses import replace

    from sepcost.routes.analyze import analyze
    from sepcost.routes.diff import diff

    old, new = (analyze(side, bind=bind, shape=shape) for side in (before, named[1]))
    return diff(replace(old, source=named[0]), new)


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
