"""Complete screens. SEPCOST_OVERWRITE=1 rewrites them; then read the diff."""

import os
from pathlib import Path

import pytest

import sepcost
from sepcost.cli import tables
from sepcost.cli.screen import Screen
from sepcost.report.view import View

GOLDEN = Path(__file__).parent / "golden"


def compare(name, text):
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("SEPCOST_OVERWRITE"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("network", ["mobilenet-v1", "vgg16"])
def test_a_network_at_a_terminal(network, width):
    screen = Screen(width, bars=True, terminal=True)
    text = tables.render([sepcost.analyze(network)], View(), screen, brief=True)
    assert max(map(len, text.splitlines())) <= width
    compare(f"{network}-{width}", text)


def test_networks_side_by_side():
    analyses = [sepcost.analyze(name) for name in ("resnet-18", "squeezenet-1.1")]
    text = tables.render(analyses, View(by="kernel"), Screen(80, bars=True))
    compare("side-by-side-80", text)


def test_a_sweep():
    text = tables.render(
        sepcost.sweep("resnet-18", [{"N": 1}, {"N": 8}]), View(by="model"), Screen(80)
    )
    compare("sweep-80", text)


def test_colours_are_those_of_the_terminal():
    screen = Screen(80, colour=True, bars=True, terminal=True)
    text = tables.render([sepcost.analyze("small-cnn")], View(), screen, brief=True)
    assert "\x1b[1m" in text
    assert "\x1b[32m" in text
    assert "\x1b[38" not in text
