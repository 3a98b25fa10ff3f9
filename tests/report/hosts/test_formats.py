"""Models on several machines, in every format."""

import csv
import io
import json
from dataclasses import replace

import pytest

from tests.report import bench_samples as samples
from tests.report.bench.test_formats import HOSTILE, validator
from tests.report.render import render


def on(host, bench):
    return replace(bench, machine=replace(bench.machine, host=host))


@pytest.fixture
def found():
    return [on("pi", samples.several()), on("jetson", samples.several())]


def test_the_table_has_a_column_per_machine(found):
    shown = render("hosts", "table", found)
    assert "separable is 2.50× as fast as regular (95%" in shown
    many = len(found[0].comparisons)
    ends = [line.rpartition(" on ")[2] for line in shown.splitlines()[: 2 * many]]
    assert ends == ["pi"] * many + ["jetson"] * many
    (head,) = [line for line in shown.splitlines() if line.startswith("model")]
    assert head.split("  ")[0] == "model"
    assert all(name in head for name in ("pi", "jetson", "speed-up on pi", "speed-up on jetson"))
    (row,) = [line for line in shown.splitlines() if line.startswith("separable ") and "ms" in line]
    assert row.count(" ms ± ") == 2
    assert row.count("2.50×") == 2


def test_one_model_has_no_speed_up():
    shown = render("hosts", "table", [on("pi", samples.one()), on("jetson", samples.one())])
    assert "speed-up" not in shown


def test_json_has_one_document_per_machine(found):
    document = json.loads(render("hosts", "json", found))
    validator("hosts").validate(document)
    for host, one in zip(("pi", "jetson"), document["hosts"], strict=True):
        validator("bench").validate(one)
        assert one["machine"]["host"] == host


def test_csv_names_the_machine_first(found):
    rows = list(csv.DictReader(io.StringIO(render("hosts", "csv", found))))
    models = [model.name for model in found[0].models]
    assert [(row["host"], row["model"]) for row in rows] == [
        (host, model) for host in ("pi", "jetson") for model in models
    ]


def test_markdown_says_the_same(found):
    shown = render("hosts", "markdown", found)
    assert "**`separable` is 2.50× as fast as `regular`" in shown
    assert "- pi: " in shown


def test_hostile_names_are_escaped():
    found = [on(HOSTILE, samples.hostile(HOSTILE)) for _ in range(2)]
    for kind in ("table", "markdown"):
        assert not {"\x1b", "\u202e"} & set(render("hosts", kind, found))
