"""The docstring of every public function has an example that runs."""

import doctest
import inspect
from importlib import import_module

import pytest

import sepcost

FUNCTIONS = [name for name in sepcost.__all__ if inspect.isfunction(getattr(sepcost, name))]


def examples(function):
    module = import_module(function.__module__)
    finder = doctest.DocTestFinder(recurse=False)
    (found,) = finder.find(function, function.__name__, module, globs={})
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of(name):
    found = examples(getattr(sepcost, name))
    assert found.examples, f"sepcost.{name} has no example"
    said: list[str] = []
    doctest.DocTestRunner().run(found, out=said.append)
    assert not said, "".join(said)
