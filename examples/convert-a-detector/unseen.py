"""Judge a converted detector by the same metric on test.npz: ``python unseen.py OLD NEW``."""

import sys

import numpy as np
import onnxruntime as ort
from metric import same_text


def answers(model: str, pages: np.ndarray) -> dict[str, np.ndarray]:
    """The output of a model for all pages."""
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return {"text": np.concatenate([session.run(None, {"x": one[None]})[0] for one in pages])}


if __name__ == "__main__":
    with np.load("test.npz") as data:
        before, after = (answers(model, data["x"]) for model in sys.argv[1:3])
    scores = same_text(before, after, None)
    print(f"same text: {scores.mean():.1%} on {len(scores)} unseen pages")
