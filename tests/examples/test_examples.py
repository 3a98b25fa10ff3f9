"""The commands in the README of every example work in a copy of its folder."""

import importlib.util
import runpy
import shutil
import sys

import numpy as np
import pytest

from tests.examples.commands import ROOT, commands, run, tools

EXAMPLES = ROOT / "examples"
TRAINING = ("torch", "sklearn", "onnxscript")
DETECTOR = ("rapidocr_onnxruntime", "matplotlib", "PIL")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are for bash")


@pytest.fixture
def follow(tmp_path):
    """Run all commands of an example in order; return the folder and the output of each."""
    tools(tmp_path)

    def followed(name):
        folder = shutil.copytree(EXAMPLES / name, tmp_path / name)
        printed = {}
        for command in commands(folder / "README.md"):
            done = run(command.line, folder, tmp_path)
            assert done.returncode == 0, f"{command.line}\n{done.stdout}{done.stderr}"
            printed[command.line] = done.stdout
        return folder, printed

    return followed


def cells(text):
    """Rows of Markdown tables, by their first cell."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row for row in rows}


def test_every_example_has_a_readme_of_a_few_lines():
    pages = [path / "README.md" for path in EXAMPLES.iterdir() if path.is_dir()]
    assert len(pages) >= 4
    assert max(len(page.read_text(encoding="utf-8").splitlines()) for page in pages) < 60


def test_quickstart(follow):
    folder, printed = follow("quickstart")
    assert "349.2 M MACs" in printed["sepcost analyze model.onnx --only eligible"]
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert report.startswith("<!doctype html>")
    assert report.count("fire_") > 20


def test_plan_a_mobilenet(follow):
    _, printed = follow("plan-a-mobilenet")
    rows = cells(printed["python plan.py"])
    # MACs and params in millions, tables 4 to 7 of arXiv 1704.04861
    published = {
        "mobilenet-v1-full-conv": (4866, 29.3), "mobilenet-v1": (569, 4.2),
        "mobilenet-v1-a0.75": (325, 2.6), "mobilenet-v1-shallow": (307, 2.9),
        "mobilenet-v1-a0.5": (149, 1.3), "mobilenet-v1-a0.25": (41, 0.5),
        "mobilenet-v1-r0.857": (418, 4.2), "mobilenet-v1-r0.714": (290, 4.2),
        "mobilenet-v1-r0.571": (186, 4.2),
    }  # fmt: skip
    for name, (macs, params) in published.items():
        _, _, counted, weights, milliseconds, *_ = rows[name]
        assert float(counted) == pytest.approx(macs, abs=1.5)
        assert float(weights) == pytest.approx(params, abs=0.06)
        assert float(milliseconds) > 0
    own = cells(printed["python plan.py edge.toml --max-time 20"])
    assert {"edge", "edge-a0.5", "edge-r0.714"} <= set(own)


def test_ci(follow):
    _, printed = follow("ci")
    assert "mobilenet-v1" in printed["sepcost check --exact"]


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, TRAINING)), reason="needs pip install 'sepcost[examples]'"
)
def test_train_convert_ship(follow):
    _, printed = follow("train-convert-ship")
    accuracy = printed["python accuracy.py digits.onnx digits-separable.onnx"].splitlines()
    before, after = (float(line.split()[2].rstrip("%")) for line in accuracy)
    assert before > 97  # typical for such networks on these digits
    assert after > before - 2
    assert "converted" in next(text for line, text in printed.items() if "sepcost convert" in line)
    assert "1 model: 4 met" in printed["sepcost check"]


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, DETECTOR)),
    reason="needs pip install matplotlib pillow, and --no-deps rapidocr-onnxruntime",
)
def test_convert_a_detector(follow):
    _, printed = follow("convert-a-detector")
    judged = printed["python unseen.py detector.onnx fast.onnx"]
    assert float(judged.split()[2].rstrip("%")) > 90
    assert "on 128 unseen pages" in judged


def test_the_metric_of_the_detector_is_the_overlap_of_the_areas_of_text():
    path = EXAMPLES / "convert-a-detector" / "metric.py"
    same_text = runpy.run_path(str(path))["same_text"]
    pages = np.zeros((3, 1, 4, 4), np.float32)
    pages[:2, :, :2] = 0.9
    moved = np.roll(pages, (0, 1), (1, 2))
    assert same_text({"p": pages}, {"p": moved}, None).tolist() == [1 / 3, 1 / 3, 1.0]
