"""Which columns fit, and how names are cut."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sepcost.report.columns import Column
from sepcost.report.layout import GAP, fit

COLUMNS: tuple[Column[tuple[str, ...]], ...] = (
    Column("name", lambda row: row[0], 0, False, True, "name"),
    Column("cost", lambda row: row[1], 0),
    Column("extra", lambda row: row[2], 1),
    Column("luxury", lambda row: row[3], 5),
)


def headers(rows, width):
    return [cells.header for cells in fit(COLUMNS, rows, width, cell_len)]


def test_columns_of_low_rank_come_first():
    rows = [("short", "1234", "123456", "123456")]
    assert headers(rows, 80) == ["name", "cost", "extra", "luxury"]
    assert headers(rows, 22) == ["name", "cost", "extra"]
    assert headers(rows, 12) == ["name", "cost"]


def test_a_luxury_never_cuts_a_name():
    rows = [("n" * 40, "1234", "1", "1")]
    assert headers(rows, 61) == ["name", "cost", "extra", "luxury"]
    assert headers(rows, 60) == ["name", "cost", "extra"]


def test_empty_columns_are_left_out():
    assert headers([("a", "1", "", " ")], 80) == ["name", "cost"]


def test_names_that_are_cut_lose_the_path_that_they_share_first():
    rows = [(f"model/a_long_path_of_modules/block/conv_{i}", "1", "", "") for i in range(2)]
    (name, _) = fit(COLUMNS, rows, 24, cell_len)
    assert name.cells == ("…conv_0", "…conv_1")


SAID: tuple[Column[tuple[str, str]], ...] = (
    Column("n", lambda row: "1", 0),
    Column("why", lambda row: row[0], 0, False, True, "words"),
    Column("layers", lambda row: row[1], 0, False, True, "words"),
)


def test_words_are_wrapped_and_nothing_of_them_is_cut():
    (_, why, layers) = fit(SAID, [("one two three four five", "a, b")], 27, cell_len)
    assert why.cells == ("one two three\nfour five",)
    assert layers.cells == ("a, b",)


def test_words_share_the_width_and_the_short_leave_theirs_to_the_long():
    (_, why, layers) = fit(SAID, [("w" * 100, "l" * 100)], 65, cell_len)
    assert (why.width, layers.width) == (30, 30)
    (_, why, layers) = fit(SAID, [("w" * 100, "l" * 10)], 65, cell_len)
    assert (why.width, layers.width) == (50, 10)


names = st.text(st.characters(exclude_categories=("Mn", "Me", "Mc")), max_size=300)


@given(st.lists(names, min_size=1, max_size=4), st.integers(40, 120))
def test_tables_fit_whatever_the_names(texts, width):
    fitted = fit(COLUMNS, [(text, "99.9 M", "1", "2") for text in texts], width, cell_len)
    assert sum(cells.width for cells in fitted) + GAP * (len(fitted) - 1) <= width
    for cells in fitted:
        assert all(cell_len(cell) <= cells.width and cell.isprintable() for cell in cells.cells)


def test_a_name_of_a_megabyte():
    (name, _) = fit(COLUMNS, [("x" * 1_000_000, "1", "", "")], 200, cell_len)
    assert name.width == 72


@given(st.lists(st.tuples(names, names), min_size=1, max_size=4), st.integers(40, 120))
def test_wrapped_words_fit_and_keep_every_word(rows, width):
    fitted = fit(SAID, rows, width, cell_len)
    assert sum(cells.width for cells in fitted) + GAP * (len(fitted) - 1) <= width
    for cells in fitted:
        assert all(
            cell_len(line) <= cells.width for cell in cells.cells for line in cell.split("\n")
        )
