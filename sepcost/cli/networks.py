"""``sepcost networks``: the shipped networks, their layer specs and their ONNX models."""

from __future__ import annotations

from pathlib import Path

from sepcost.cli.guard import say
from sepcost.cli.options import files, models
from sepcost.cli.output import emit, refuse_report_name, refuse_unwritable, write
from sepcost.cli.progress import progress
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import View


def networks(
    name: models.Network = None,
    output: files.Model = None,
    alpha: models.Alpha = None,
    rho: models.Rho = None,
    force: files.Force = False,
    quiet: files.Quiet = False,
) -> None:
    """List the shipped networks, print a layer spec, or write an ONNX model.

    [bold]sepcost networks[/]                                      all shipped networks
    [bold]sepcost networks mobilenet-v1[/]                         one layer spec
    [bold]sepcost networks mobilenet-v1 -o m.onnx --alpha 0.5[/]   one ONNX model

    The weights of the ONNX model are random but the same every time.
    """
    if name is None:
        if output or alpha or rho:
            raise SepcostError(
                "-o, --alpha and --rho need a network: sepcost networks NAME -o FILE"
            )
        _list(quiet)
    elif output is None:
        if alpha or rho:
            raise SepcostError("--alpha and --rho change the ONNX model; add -o OUT.onnx")
        _show(name)
    else:
        _write(name, output, alpha, rho, force=force, quiet=quiet)


def _list(quiet: bool) -> None:
    from sepcost.model import spec
    from sepcost.routes.analyze import analyze

    with progress("counting the shipped networks", quiet):
        counted = [(info.description, analyze(info.name)) for info in spec.networks()]
    emit(renderer("networks", "table")(counted, View(screen=screen(to_file=False))), None)


def _show(name: str) -> None:
    from sepcost.model import spec

    emit(spec.find(name).read_text(encoding="utf-8"), None)


def _write(
    name: str, to: Path, alpha: float | None, rho: float | None, *, force: bool, quiet: bool
) -> None:
    """Build the model with its weights; overwrite only with --force."""
    from sepcost.model import spec

    refuse_report_name(to)
    refuse_unwritable(to)
    if to.exists() and not force:
        raise SepcostError(f"{to}: already exists; add --force to overwrite it")
    with progress(f"building {name}", quiet):
        data = spec.build(spec.find(name), alpha=alpha, rho=rho).SerializeToString()
        write(data, to)
    if not quiet:
        say(f"wrote {to} ({len(data) / 1e6:.1f} MB)")
