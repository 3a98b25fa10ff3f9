"""Lines and suggestions for keys of TOML files."""

import pytest

from sepcost.toml_lines import line_of, nearest


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("file_size", "; did you mean 'file-size'?"),
        ("Macs", "; did you mean 'macs'?"),
        ("mult-adds", "; did you mean 'macs'?"),
        ("zzz", "; choose from file-size, macs"),
    ],
)
def test_case_and_dashes_do_not_matter(word, hint):
    assert nearest(word, ["macs", "file-size"], {"mult_adds": "macs"}) == hint


def test_an_implicit_place_is_on_the_line_of_its_parent():
    assert line_of(("a", "b", 3), {("a",): 7}) == 7
    assert line_of(("x",), {("a",): 7}) == 1
