"""Help: the same whether all of the command line is imported for it or not."""

import subprocess
import sys
from importlib import import_module

import pytest
from typer.testing import CliRunner

from sepcost.cli.app import COMMANDS, build

LIGHT = """
from sepcost.cli import lighter_help
lighter_help.UNUSED = {unused}
lighter_help.import_help()
import sys
loaded = "typer.rich_utils" in sys.modules
from rich.markdown import Markdown
from rich.traceback import Traceback
print(loaded, Markdown("# a").markup, Traceback.from_exception.__qualname__)
from sepcost.cli.app import build
build(["--help"])(["--help"], prog_name="sepcost")
"""
UNUSED = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}


@pytest.mark.parametrize("name", COMMANDS)
def test_summaries_are_the_first_lines_of_the_commands(name):
    command = getattr(import_module(COMMANDS[name].module), name)
    assert command.__doc__.splitlines()[0] == COMMANDS[name].summary


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("width", ["60", "120"])
def test_help_is_that_of_the_whole_command_line(option, width):
    screen = {"COLUMNS": width}
    found = CliRunner().invoke(build([option]), [option], env=screen)
    assert found.exit_code == 0
    assert found.output == CliRunner().invoke(build(), [option], env=screen).output
    assert "analyze" in found.output


@pytest.mark.parametrize(
    ("unused", "loaded"), [(UNUSED, True), ({"rich.markdown": "Other"}, False)]
)
def test_what_help_leaves_out_can_still_be_imported(unused, loaded):
    """Also if typer's help does not load without it, as another version may not."""
    done = subprocess.run(
        [sys.executable, "-c", LIGHT.format(unused=unused)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    first, *rest = done.stdout.splitlines()
    assert first == f"{loaded} # a Traceback.from_exception"
    assert "providers" in "".join(rest)
