"""The job of a text detector: the same places of each page are found to be text."""

import numpy as np


def same_text(original, converted, labels):
    """Overlap (IoU) of the areas of text, one score per page; there are no labels."""
    (before,), (after,) = original.values(), converted.values()
    a, b = before > 0.3, after > 0.3  # probabilities [pages, 1, height, width]
    shared, either = (np.sum(area, axis=(1, 2, 3)) for area in (a & b, a | b))
    return np.where(either > 0, shared / np.maximum(either, 1), 1.0)
