"""``sepcost host``: another machine to measure on."""

from __future__ import annotations

from sepcost.cli.guard import say
from sepcost.cli.options import files, running
from sepcost.cli.options.words import HostAction, ListFormat
from sepcost.cli.output import emit
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import View


def host(
    action: running.HostAction,
    destination: running.Destination,
    wheels: running.Wheels = None,
    format_: files.ListFormat = ListFormat.TABLE,
    output: files.Output = None,
    quiet: files.Quiet = False,
) -> None:
    """Prepare another machine for --host, or show what is installed there.

    [bold]sepcost host setup pi@raspberrypi[/]               once
    [bold]sepcost host check pi@raspberrypi[/]               CPU, versions, providers
    [bold]sepcost bench m.onnx --host pi@raspberrypi[/]      measure there

    setup makes a virtual environment in ~/.cache/sepcost there, with numpy and
    ONNX Runtime in the versions used here. It needs Python 3.11 or newer there.
    Each model is sent only once; those unused for 30 days are removed there.
    """
    from sepcost.latency import host_setup
    from sepcost.latency.hosts.host import Host

    if wheels is not None and action is not HostAction.SETUP:
        raise SepcostError("--wheels: only setup installs; leave it out")
    with Host(destination) as far:
        if action is HostAction.SETUP:
            host_setup.setup(far, (lambda _: None) if quiet else say, wheels)
            return
        found = host_setup.check(far)
    emit(renderer("host", format_)(found, View(screen=screen(output is not None))), output)
