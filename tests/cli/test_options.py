"""One definition per option, and the same meaning in every command."""

import inspect
import json
import re
from typing import get_args, get_type_hints

import pytest
from typer.models import ArgumentInfo, OptionInfo
from typer.testing import CliRunner

from sepcost.cli.app import app
from sepcost.cli.options import words
from tests.cli import models
from tests.separable import networks

RUNNER = CliRunner()

#: Options whose help differs by command: one size, a range or several, names, other formats, a
#: report or a model, layers to show or to convert, only existing files or also unmet goals.
FORMS = {
    "--bind": 3, "--shape": 2, "--format": 2, "--output": 2, "-o": 2, "-f": 2, "--only": 2,
    "--force": 2,
}  # fmt: skip


def parameters():
    """Each option of each command: command, name, help and panel."""
    for entry in app.registered_commands:
        callback = entry.callback
        assert callback is not None
        hints = get_type_hints(callback, include_extras=True)
        for name in inspect.signature(callback).parameters:
            _, *marks = get_args(hints[name])
            info = next(mark for mark in marks if isinstance(mark, ArgumentInfo | OptionInfo))
            if isinstance(info, OptionInfo):
                meaning = (info.help, info.rich_help_panel, info.metavar)
                for option in spellings(name, info):
                    yield callback.__name__, option, meaning


def spellings(name, info):
    """``--output`` and ``-o``; without any, the option has the name of its parameter."""
    first = info.default if isinstance(info.default, str) else ""
    own = tuple(filter(None, (first, *(info.param_decls or ()))))
    return own or (f"--{name.strip('_').replace('_', '-')}",)


def test_an_option_means_the_same_in_every_command():
    meanings: dict[str, set[object]] = {}
    for _, option, meaning in parameters():
        meanings.setdefault(option, set()).add(meaning)
    assert len(meanings) > 60
    assert {option: many for option, many in meanings.items() if len(many) > 1} == {
        option: meanings[option] for option in FORMS
    }
    assert {option: len(meanings[option]) for option in FORMS} == FORMS


def test_every_option_says_what_it_does_under_a_heading():
    for command, option, (about, panel, _) in parameters():
        assert about, (command, option)
        assert about.endswith("."), (command, option)
        assert panel, (command, option)


def test_help_fits_into_80_columns_without_breaking_its_examples():
    for entry in app.registered_commands:
        for line in (inspect.getdoc(entry.callback) or "").splitlines():
            assert len(re.sub(r"\[/?\w*\]", "", line)) <= 78, line


@pytest.mark.parametrize("command", ["analyze", "bench", "check"])
def test_the_usage_shows_that_several_sources_are_taken(command):
    assert f"{command} [OPTIONS] [SOURCE...]" in RUNNER.invoke(app, [command, "--help"]).stdout


@pytest.mark.parametrize("command", ["bench", "check", "convert", "diff", "report"])
def test_a_command_that_refuses_a_sweep_does_not_offer_one(command, tmp_path):
    shown = RUNNER.invoke(app, [command, "--help"], env={"COLUMNS": "300"}).stdout
    (line,) = [line for line in shown.splitlines() if "--bind" in line]
    assert "DIM=SIZE " in line
    assert "several" not in line
    path = models.dynamic(tmp_path)
    sources = [path, path] if command == "diff" else [path]
    refused = RUNNER.invoke(app, [command, *sources, "--bind", "N=1,2", *_more(command)])
    assert refused.exit_code == 2
    assert "--bind 'N=1,2': " in refused.stderr


def _more(command):
    return {"convert": ["--dry-run"], "check": ["--max-macs", "1"]}.get(command, [])


@pytest.mark.parametrize(("glob", "ids"), [("a", "a"), ("[bc]", "b"), ("*", "ab"), ("A", "")])
def test_only_matches_the_same_layers_in_analyze_and_convert(glob, ids, tmp_path):
    networks.classifier(tmp_path)
    net = str(tmp_path / "net.onnx")
    (shown,) = _printed("analyze", net, "--only", glob)["models"]
    assert {row["id"] for row in shown["layers"] if row["conv"]} == set(ids)
    options = ("--rank", "1", "--dry-run", "--no-verify")
    rows = _printed("convert", net, "--only", glob, *options)["layers"]
    assert {row["id"] for row in rows if row["action"] == "converted"} == set(ids)


def _printed(*arguments):
    result = RUNNER.invoke(app, [*arguments, "-f", "json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_words_are_those_of_the_library():
    from sepcost.latency.settings import LEVELS
    from sepcost.separable.factors.blocks import Form
    from sepcost.separable.rewrite.emit import EMITTED
    from sepcost.separable.settings import FORMS as DEFAULT
    from sepcost.separable.settings import Saving

    assert set(words.Optimization) == set(LEVELS)
    assert set(words.Emitted) == set(EMITTED)
    assert set(map(str, words.Reduced)) == set(map(str, Saving))
    assert set(Form) - set(DEFAULT) == {Form.BOTTLENECK}  # as the help of --forms says
    about = next(meaning[0] for _, option, meaning in parameters() if option == "--forms")
    assert all(str(form) in about for form in Form)
