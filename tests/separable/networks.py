"""Small networks to convert: two structured convolutions, and structured data."""

import numpy as np

from sepcost.latency.jobs import Runtime
from sepcost.model.load import load
from sepcost.separable.runs.activations import runner
from tests.separable.build import parsed, saved

TEXT = """<ir_version: 9, opset_import: ["" : 17]>
net (float[N, 4, 8, 8] x) => (float[N, 3] y) {
  a = Conv <pads = [1, 1, 1, 1]> (x, w1, b1)
  r = Relu (a)
  b = Conv <pads = [1, 1, 1, 1]> (r, w2, b2)
  s = Relu (b)
  p = GlobalAveragePool (s)
  f = Flatten (p)
  y = Gemm (f, w3, b3)
}"""


def weights(seed=0):
    random = np.random.default_rng(seed)

    def fading(outputs, inputs):
        """A kernel with decaying components: the first few dominate."""
        strength = 0.3 ** np.arange(9)
        points = random.standard_normal((outputs, inputs, 9)) * strength
        taps = random.standard_normal((inputs, 9, 9))
        kernel = np.einsum("nmr,mrk->nmk", points, taps)
        return (kernel / np.sqrt(9 * inputs)).reshape(outputs, inputs, 3, 3)

    made = {
        "w1": fading(16, 4),
        "b1": random.standard_normal(16) / 4,
        "w2": fading(16, 16),
        "b2": random.standard_normal(16) / 4,
        "w3": random.standard_normal((16, 3)),
        "b3": random.standard_normal(3),
    }
    return {name: array.astype(np.float32) for name, array in made.items()}


def classifier(folder):
    """x [N, 4, 8, 8] -> two convolutions, a, to 16 channels, then b -> three classes."""
    return saved(parsed(TEXT, weights()), folder, "net.onnx")


def images(count, seed=1):
    """Smooth noise, correlated like images."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal((count, 4, 10, 10))
    shifted = [noise[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
    return (np.sum(shifted, axis=0) / 3).astype(np.float32)


def data(folder, count=128, labels=None):
    path = folder / "calibration.npz"
    arrays = {"x": images(count)}
    if labels is not None:
        arrays["labels"] = labels
    np.savez(path, **arrays)
    return path


def labelled(folder, source, count=128):
    """Labels are the network's own answers, so that its top-1 is 100 %."""
    (scores,) = runner(load(source), Runtime())({"x": images(count)})
    return data(folder, count, scores.argmax(1))
