"""Rows as plain records, data frames and a table for notebooks."""

import sys
from types import SimpleNamespace

import pytest

import sepcost
from sepcost.cost.records import FRAMES, LAYER, MOST_SHOWN
from sepcost.errors import SepcostError
from tests.report.samples import analysis, conv_row, plain_row


@pytest.fixture
def pandas(monkeypatch):
    """A library that makes a data frame of columns; the others are not installed."""
    for name in FRAMES:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=dict))


def test_there_is_one_record_per_row():
    found = sepcost.analyze("small-cnn")
    records = found.to_records()
    assert [record["id"] for record in records] == [row.layer.id for row in found.rows]
    assert sum(record["macs"] for record in records) == found.totals.macs
    assert all(list(record) == list(LAYER) for record in records)
    assert records[0]["kernel"] == "3x3"


@pytest.mark.usefixtures("pandas")
def test_a_data_frame_has_the_columns():
    found = sepcost.analyze("small-cnn")
    frame = found.to_dataframe()
    assert list(frame) == list(LAYER)
    assert frame["macs"] == [row.macs for row in found.rows]
    assert found.to_dataframe("pandas") == frame


@pytest.mark.usefixtures("pandas")
def test_without_a_library_the_error_names_the_remedy():
    found = sepcost.analyze("small-cnn")
    with pytest.raises(SepcostError, match=r"install polars, or use to_records\(\)"):
        found.to_dataframe("polars")
    with pytest.raises(SepcostError, match="'excel' is not one of pandas, polars, pyarrow"):
        found.to_dataframe("excel")


def test_a_notebook_shows_a_table():
    found = analysis(conv_row(name="<b>conv</b>"), plain_row())
    page = found._repr_html_()
    assert page.startswith("<p><b>tiny: 18,432 MACs, 1,152 params</b></p><table>")
    assert "&lt;b&gt;conv&lt;/b&gt;" in page
    assert page.count("<tr>") == 3


def test_a_long_table_keeps_the_rows_with_most_macs():
    rows = [conv_row(f"c{at}", f"o{at}", macs=at) for at in range(MOST_SHOWN + 5)]
    page = analysis(*rows)._repr_html_()
    assert "<p>5 more layers</p>" in page
    assert "<td>c5</td>" in page
    assert "<td>c4</td>" not in page


def test_the_whole_model_moves_the_sum_of_its_layers():
    found = sepcost.analyze("vgg16")
    moved = sum(row.bytes_moved or 0 for row in found.rows)
    assert found.totals.bytes_moved == moved
    assert found.totals.intensity == 2 * found.totals.macs / moved
    assert analysis().totals.intensity is None


def test_the_document_says_what_was_read():
    (model,) = sepcost.analyze("small-cnn").to_dict()["models"]
    assert (model["opset"], model["ir_version"]) == (17, 8)
    assert model["operators"] == {
        "Relu": 4, "Conv": 3, "MaxPool": 3, "Gemm": 2, "Flatten": 1, "Softmax": 1
    }  # fmt: skip
    assert [each["name"] for each in model["outputs"]] == ["softmax_1"]
