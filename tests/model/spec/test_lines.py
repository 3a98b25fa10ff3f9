"""Every key and list element of a TOML document is located on its line."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.model.spec.lines import FaultError, key_lines, located, nearest, shown

DOCUMENT = '''# a comment with [brackets] = "quotes"
name = "x = [1]"  # [not.a.table]
text = """
layers = 3
"quoted""\\""""
raw = \'\'\'
[[layers]]\'\'\'
a.b."c d" = { e = [1, # one
  [2, 3]], 'f' = "]" }

[[layers]]
conv = 3
[[layers.inner]]
x = 1
[[layers.inner]]
x = 2

[[layers]] # second
  "conv" = 4
  list = [
    { k = 1 },
    "relu", # }

    { k = 2, l = 1979-05-27 07:32:00 },
  ]
[blocks.'fi re']
layers = []
'''


def test_each_way_to_write_a_key() -> None:
    assert tomllib.loads(DOCUMENT)
    lines = key_lines(DOCUMENT)
    assert lines == {
        ("name",): 2,
        ("text",): 3,
        ("raw",): 6,
        ("a",): 8, ("a", "b"): 8, ("a", "b", "c d"): 8,
        ("a", "b", "c d", "e"): 8, ("a", "b", "c d", "e", 0): 8, ("a", "b", "c d", "e", 1): 9,
        ("a", "b", "c d", "e", 1, 0): 9, ("a", "b", "c d", "e", 1, 1): 9,
        ("a", "b", "c d", "f"): 9,
        ("layers",): 11, ("layers", 0): 11, ("layers", 0, "conv"): 12,
        ("layers", 0, "inner"): 13,
        ("layers", 0, "inner", 0): 13, ("layers", 0, "inner", 0, "x"): 14,
        ("layers", 0, "inner", 1): 15, ("layers", 0, "inner", 1, "x"): 16,
        ("layers", 1): 18, ("layers", 1, "conv"): 19, ("layers", 1, "list"): 20,
        ("layers", 1, "list", 0): 21, ("layers", 1, "list", 0, "k"): 21,
        ("layers", 1, "list", 1): 22,
        ("layers", 1, "list", 2): 24, ("layers", 1, "list", 2, "k"): 24,
        ("layers", 1, "list", 2, "l"): 24,
        ("blocks",): 26, ("blocks", "fi re"): 26, ("blocks", "fi re", "layers"): 27,
    }  # fmt: skip


def test_windows_line_ends_count_once() -> None:
    assert key_lines(DOCUMENT.replace("\n", "\r\n")) == key_lines(DOCUMENT)


def places(value: object, place: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """All places of a parsed document."""
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    found = {(*place, key) for key, _ in items}
    return found.union(*(places(inner, (*place, key)) for key, inner in items))


WORDS = st.text("ab.\"'# =[]{}\n\\é", max_size=6)


def toml(value: object) -> str:
    """Write a value inline, with one of TOML's four kinds of strings."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + ", # ] comment\n".join(toml(item) for item in value) + "\n]"
    if isinstance(value, str):
        plain = value.isprintable() and "'" not in value
        return f"'{value}'" if plain and len(value) % 2 else _escaped(value)
    return str(value)


def _escaped(value: str) -> str:
    pairs = [("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")]
    for old, new in pairs:
        value = value.replace(old, new)
    return f'"{value}"'


VALUES = st.recursive(
    st.integers(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_the_places_are_those_that_tomllib_reads(document: dict[str, object]) -> None:
    text = "".join(f"{toml(key)} = {toml(value)}\n" for key, value in document.items())
    assert tomllib.loads(text) == document
    lines = key_lines(text)
    assert set(lines) == places(document)
    assert all(1 <= line <= text.count("\n") for line in lines.values())


@given(st.text("ab=[]{}\"'.#\n, ", max_size=40))
def test_text_that_is_not_toml_is_harmless(text: str) -> None:
    assert all(line >= 1 for line in key_lines(text).values())


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("layers", 1, "conv"), "f.toml:19: conv: wrong"),
        (("layers", 1, "missing"), "f.toml:18: missing: wrong"),
        (("layers", 1, "list", 2, "k", 0, 0), "f.toml:24: k: wrong"),
        ((), "f.toml:1: wrong"),
    ],
)
def test_a_fault_is_located_on_its_line_or_the_nearest_one(
    place: tuple[str | int, ...], message: str
) -> None:
    assert str(located(FaultError(place, "wrong"), DOCUMENT, "f.toml")) == message


def test_the_nearest_word() -> None:
    words = ["conv", "linear", "pool", "swish", "relu"]
    assert nearest("cnov", words) == "; did you mean 'conv'?"
    assert nearest("Dense", words) == "; did you mean 'linear'?"
    assert nearest("max-pool", words) == "; did you mean 'pool'?"
    assert nearest("zzz", words) == "; choose from conv, linear, pool, relu, swish"


def test_values_are_shown_on_one_short_line() -> None:
    assert shown("\x1b[31m\n\u202e") == r"'\x1b[31m\n\u202e'"
    assert shown(True) == "true"
    assert len(shown("x" * 1000)) == 60
    assert shown(16**5000) == "an integer of 20001 bits"
