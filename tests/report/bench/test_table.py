"""A measurement at a terminal."""

from dataclasses import replace

import pytest

from sepcost.report.screen import Screen
from tests.report import bench_samples as samples
from tests.report.golden import compare
from tests.report.render import render


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("name", ["one", "several", "layered", "scattered", "machine_alone"])
def test_screens(name, width):
    screen = Screen(width, bars=True, terminal=True)
    text = render("bench", "table", getattr(samples, name)(), screen=screen)
    assert max(map(len, text.splitlines())) <= width
    compare(f"bench-{name.replace('_', '-')}-{width}", text)


def test_a_terminal_lists_no_more_than_some_nodes_that_fell_back():
    part = replace(samples.SPLIT[1], layers=tuple(f"n{k}" for k in range(40)))
    found = samples.bench(samples.model(placement=(part,)), providers=("cuda",))
    assert "n29, … 10 more" in render("bench", "table", found, screen=Screen(terminal=True))
    assert "n39" in render("bench", "table", found)
