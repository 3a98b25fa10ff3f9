"""The context of a convolution."""

import numpy as np

from sepcost.model.describe import describe
from sepcost.separable.find.context import context
from tests.separable.build import find, parsed, saved


def looked_at(folder, body, weights):
    text = f"""<ir_version: 9, opset_import: ["" : 17]>
    g (float[1, 4, 5, 5] x) => (float[1, 4, 5, 5] y) {{ {body} }}"""
    kernel = np.random.default_rng(0).standard_normal((4, 4, 3, 3)).astype(np.float32)
    loaded = saved(parsed(text, {"w": kernel, **weights}), folder)
    return context(loaded, describe(loaded)), {c.id: c for c in find(loaded).eligible}


def test_a_normalisation_directly_after_weighs_the_channels(tmp_path):
    """|gamma| / sqrt(variance + epsilon): 2 / sqrt(4 + 0) is 1, whatever the sign."""
    vectors = {
        "gamma": np.array([2, -2, 3, 0], np.float32),
        "zero": np.zeros(4, np.float32),
        "variance": np.array([4, 4, 1, 1], np.float32),
    }
    body = """c = Conv <pads = [1, 1, 1, 1]> (x, w)
    y = BatchNormalization <epsilon = 0.0> (c, gamma, zero, zero, variance)"""
    seen, found = looked_at(tmp_path, body, vectors)
    assert seen.scale(found["c"]).tolist() == [1, 1, 3, 0]


def test_a_normalisation_with_other_readers_weighs_nothing(tmp_path):
    vectors = {"one": np.ones(4, np.float32)}
    body = """c = Conv <pads = [1, 1, 1, 1]> (x, w)
    n = BatchNormalization (c, one, one, one, one)  y = Add (c, n)"""
    seen, found = looked_at(tmp_path, body, vectors)
    assert seen.scale(found["c"]) is None


def test_a_shortcut_is_what_was_there_before(tmp_path):
    body = """a = Conv <pads = [1, 1, 1, 1]> (x, w)  r = Relu (a)
    b = Conv <pads = [1, 1, 1, 1]> (r, w)  y = Add (b, a)"""
    seen, found = looked_at(tmp_path, body, {})
    assert seen.shortcut(found["b"]) == "a"
    assert seen.shortcut(found["a"]) is None


def test_of_two_branches_only_the_later_compensates_the_other(tmp_path):
    body = """a = Conv <pads = [1, 1, 1, 1]> (x, w)
    b = Conv <pads = [1, 1, 1, 1]> (x, w)  y = Add (a, b)"""
    seen, found = looked_at(tmp_path, body, {})
    assert seen.shortcut(found["a"]) is None
    assert seen.shortcut(found["b"]) == "a"


def test_a_constant_is_not_a_shortcut(tmp_path):
    body = "c = Conv <pads = [1, 1, 1, 1]> (x, w)  y = Add (c, k)"
    seen, found = looked_at(tmp_path, body, {"k": np.ones((1, 4, 5, 5), np.float32)})
    assert seen.shortcut(found["c"]) is None


def test_values_in_a_branch_cannot_be_observed(tmp_path):
    body = """y = If (t) <
      then_branch = g1 () => (float[1, 4, 5, 5] p) { p = Conv <pads = [1, 1, 1, 1]> (x, w) },
      else_branch = g2 () => (float[1, 4, 5, 5] q) { q = Relu (x) }
    >"""
    seen, found = looked_at(tmp_path, body, {"t": np.array(True)})
    (inner,) = found.values()
    assert not seen.in_main_graph(inner)
    assert seen.scale(inner) is None
