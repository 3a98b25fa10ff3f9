"""Scans, compared with ONNX Runtime."""

import numpy as np
import pytest

from sepcost.errors import ModelError
from tests.model.build import network
from tests.model.flow import witnessed

X = np.ones((2, 3, 4), np.float32)


def scan(attributes="", state="float[3, 4]", slice_="float[3, 4]"):
    """A running sum along ``x`` that collects every partial sum."""
    return f"""g ({state} s, float[2, 3, 4] x) => (float[] y, float[] z) {{
      y, z = Scan <num_scan_inputs = 1, {attributes}
        body = b ({state} a, {slice_} e) => ({state} o, {slice_} t) {{
          [add] o = Add (a, e)
          [keep] t = Identity (o)
        }}> (s, x)
    }}"""


@pytest.mark.parametrize(
    ("attributes", "state"),
    [
        ("", (3, 4)),
        ("scan_input_directions = [1],", (3, 4)),
        ("scan_input_axes = [1],", (2, 4)),
        ("scan_input_axes = [-1],", (2, 3)),
        ("scan_input_axes = [1], scan_output_axes = [2],", (2, 4)),
        ("scan_input_axes = [2], scan_output_axes = [-1], scan_output_directions = [1],", (2, 3)),
        ("scan_output_axes = [-2],", (3, 4)),
    ],
)
def test_axes_and_directions(tmp_path, attributes, state):
    declared = f"float[{', '.join(map(str, state))}]"
    source = scan(attributes, declared, declared)
    witnessed(tmp_path, source, {"s": np.ones(state, np.float32), "x": X})


def test_several_states_and_inputs(tmp_path):
    source = """g (float[5] s, float[2, 5] x, float[5, 2] w) => (float[] y, float[] z, float[] q) {
      y, z, q = Scan <num_scan_inputs = 2, scan_input_axes = [0, 1],
        body = b (float[5] a, float[5] e, float[5] f) => (float[5] o, float[5] t, float[] r) {
          [add] o = Sum (a, e, f)
          t = Identity (o)
          [dot] r = ReduceSum <keepdims = 0> (f)
        }> (s, x, w)
    }"""
    feeds = {"s": np.ones(5), "x": np.ones((2, 5)), "w": np.ones((5, 2))}
    witnessed(tmp_path, source, {k: v.astype(np.float32) for k, v in feeds.items()})


def test_the_batched_scan_of_opset_8(tmp_path):
    source = """g (float[2, 4] s, float[2, 3, 4] x) => (float[] y, float[] z) {
      y, z = Scan <num_scan_inputs = 1,
        body = b (float[4] a, float[4] e) => (float[4] o, float[4] t) {
          [add] o = Add (a, e)
          t = Identity (o)
        }> (, s, x)
    }"""
    feeds = {"s": np.ones((2, 4), np.float32), "x": X}
    found = witnessed(tmp_path, source, feeds, opset=8)
    assert found.layers[0].trips == 2 * 3  # batch times sequence


def test_trips_that_are_not_known():
    source = """g (float[2] x) => (float[] y) {
      n = NonZero (x)
      y = Scan <num_scan_inputs = 1, body = b (int64[1] e) => (int64[1] t) { t = Neg (e) }> (n)
    }"""
    source = source.replace("num_scan_inputs = 1,", "num_scan_inputs = 1, scan_input_axes = [1],")
    found = network(source)
    assert found.layers[1].trips is None
    assert "--trips y=COUNT" in found.warnings[0]
    given = network(source, trips={"y": 2})
    assert given.layers[1].trips == 2
    assert given.layers[1].inputs == ((1,),)  # as the body declares


@pytest.mark.parametrize("count", [0, -1, 3, 2**62])
def test_inputs_that_are_not_there_are_refused(count):
    with pytest.raises(ModelError, match=r"Scan 'y' scans -?\d+ of 2 inputs"):
        network(scan().replace("num_scan_inputs = 1", f"num_scan_inputs = {count}"))


@pytest.mark.parametrize("axes", ["[7]", "[-9]", "[0, 0, 0]"])
def test_axes_that_are_not_there_leave_shapes_open(axes):
    source = scan(f"scan_input_axes = {axes}, scan_output_axes = {axes},")
    assert network(source).layers
