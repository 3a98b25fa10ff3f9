"""CSV: a stable header, plain numbers, every layer."""

import csv
import io

from sepcost.cost.records import LAYER
from sepcost.report.analyze.csv import GROUP, MODEL, render
from sepcost.report.view import Rows, View
from tests.report.samples import analysis, conv_row, plain_row, unknown_row


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_one_row_per_layer_with_plain_numbers():
    rows = read(render([analysis(conv_row(), plain_row())], View()))
    assert [row["name"] for row in rows] == ["conv1", "relu1"]
    conv = rows[0]
    assert (conv["macs"], conv["flops"], conv["params"]) == ("18432", "36864", "1152")
    assert (conv["kernel"], conv["output"], conv["pads"]) == ("3x3", "1x16x4x4", "1x1x1x1")
    assert (conv["separable_eligible"], conv["separable_macs"]) == ("true", "3200")


def test_the_header_does_not_depend_on_the_rows():
    for made in (analysis(), analysis(conv_row()), analysis(plain_row(), bindings={"N": 2})):
        header = render([made], View()).splitlines()[0]
        assert header == ",".join(("model", "bindings", *LAYER))


def test_the_unknown_is_empty_and_not_zero():
    row = read(render([analysis(unknown_row())], View()))[0]
    assert (row["macs"], row["flops"], row["elementwise_ops"]) == ("", "", "")
    assert (row["status"], row["reason"]) == ("unknown", "no formula")


def test_several_analyses_share_one_table():
    sweep = [analysis(conv_row(), bindings={"N": size}, batch=size) for size in (1, 2)]
    rows = read(render(sweep, View()))
    assert [(row["model"], row["bindings"]) for row in rows] == [("tiny", "N=1"), ("tiny", "N=2")]


def test_one_row_per_model():
    rows = read(
        render([analysis(conv_row(), batch=2), analysis(name="empty")], View(Rows("model")))
    )
    assert list(rows[0]) == ["model", "bindings", *MODEL, "error"]
    assert (rows[0]["macs"], rows[0]["macs_per_item"]) == ("18432", "9216")
    assert (rows[1]["model"], rows[1]["macs"]) == ("empty", "0")


def test_one_row_per_group():
    rows = read(
        render([analysis(conv_row("a", "1"), conv_row("b", "2"), plain_row())], View(Rows("op")))
    )
    assert list(rows[0]) == ["model", "bindings", *GROUP]
    assert [(row["key"], row["layers"], row["macs"]) for row in rows] == [
        ("Conv", "2", "36864"),
        ("Relu", "1", "0"),
    ]


def test_names_are_not_formulas():
    row = read(render([analysis(conv_row("=cmd|' /C calc'!A0"), name="@evil")], View()))[0]
    assert row["name"].startswith("'=")
    assert row["model"].startswith("'@")
