"""Which columns fit, and how names are cut."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sepcost.cli.layout import GAP, fit
from sepcost.report.columns import Column

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
