"""The message of an error, whatever the file contains."""

from __future__ import annotations

import pytest

from sepcost.errors import BindingError, ModelError, SepcostError, first_line, printable


@pytest.mark.parametrize("kind", [SepcostError, ModelError, BindingError])
def test_an_error_is_one_printable_line(kind: type[SepcostError]) -> None:
    shown = str(kind("m.onnx: input 'a\nb\x1b[31m\u202e\udcff' has no shape"))
    assert shown == r"m.onnx: input 'a\nb\x1b[31m\u202e\udcff' has no shape"
    assert shown.isprintable()


def test_the_first_line_of_an_error_or_its_class() -> None:
    assert first_line(ValueError("a\nb")) == "a"
    assert first_line(ValueError()) == "ValueError"


def test_printable_text_stays() -> None:
    assert printable("3×3, µs, „größer“") == "3×3, µs, „größer“"
    assert str(SepcostError()) == ""
