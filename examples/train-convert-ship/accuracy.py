"""Top-1 of ONNX models on test.npz: ``python accuracy.py MODEL...``."""

import sys

import numpy as np
import onnxruntime as ort


def top1(model: str, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of images whose largest output is at their label."""
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    (feed,) = session.get_inputs()
    logits = session.run(None, {feed.name: images})[0]
    return float(np.mean(logits.argmax(axis=1) == labels))


if __name__ == "__main__":
    with np.load("test.npz") as data:
        for path in sys.argv[1:]:
            right = top1(path, data["image"], data["labels"])
            print(f"{path}: top-1 {right:.1%} on {len(data['labels'])} test images")
