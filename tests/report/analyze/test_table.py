"""An analysis at a terminal."""

import pytest

import sepcost
from sepcost.report.screen import Screen
from sepcost.report.view import Rows
from tests.report.golden import compare
from tests.report.render import render


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("network", ["mobilenet-v1", "vgg16"])
def test_a_network_at_a_terminal(network, width):
    screen = Screen(width, bars=True, terminal=True)
    text = render("analyze", "table", [sepcost.analyze(network)], screen=screen)
    assert max(map(len, text.splitlines())) <= width
    compare(f"{network}-{width}", text)


def test_networks_side_by_side():
    analyses = [sepcost.analyze(name) for name in ("resnet-18", "squeezenet-1.1")]
    text = render("analyze", "table", analyses, rows=Rows("kernel"), screen=Screen(80, bars=True))
    compare("side-by-side-80", text)


def test_a_sweep():
    text = render(
        "analyze", "table", sepcost.sweep("resnet-18", [{"N": 1}, {"N": 8}]),
        rows=Rows("model"), screen=Screen(80),
    )  # fmt: skip
    compare("sweep-80", text)


def test_colours_are_those_of_the_terminal():
    screen = Screen(80, colour=True, bars=True, terminal=True)
    text = render("analyze", "table", [sepcost.analyze("small-cnn")], screen=screen)
    assert "\x1b[1m" in text
    assert "\x1b[32m" in text
    assert "\x1b[38" not in text


def test_the_header_says_what_was_read():
    text = render("analyze", "table", [sepcost.analyze("small-cnn")], screen=Screen(160))
    lines = text.splitlines()
    assert "outputs: softmax_1 1×10 float32" in lines
    assert "opset 17, IR 8; 4 Relu, 3 Conv, 3 MaxPool, 2 Gemm, 1 Flatten, 1 Softmax" in lines
    assert "2.47 MB moved by the layers, 8.6 FLOPs per byte" in lines
