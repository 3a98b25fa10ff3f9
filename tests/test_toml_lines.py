"""The nearest right word, whatever TOML file it is looked for in."""

import pytest

from sepcost.toml_lines import line_of, nearest


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("file_size", "; did you mean 'file-size'?"),
        ("Macs", "; did you mean 'macs'?"),
        ("mult-adds", "; did you mean 'macs'?"),
        ("zzz", "; choose from: file-size, macs"),
    ],
)
def test_case_and_dashes_do_not_matter(word, hint):
    assert nearest(word, ["macs", "file-size"], {"mult_adds": "macs"}) == hint


def test_a_place_that_is_not_written_down_is_on_the_line_of_what_holds_it():
    assert line_of(("a", "b", 3), {("a",): 7}) == 7
    assert line_of(("x",), {("a",): 7}) == 1
