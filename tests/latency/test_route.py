"""From sources to measured files; the measurement itself is fake."""

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest

from sepcost.errors import BindingError, ModelError, SepcostError
from sepcost.latency import route
from sepcost.latency.results import LayerTime
from sepcost.latency.route import Sizes, measure
from sepcost.latency.settings import Settings
from tests.report import bench_samples as samples

NOTHING = Sizes({}, {})


class FakeBench:
    """Keeps its arguments and answers at once."""

    def __init__(self):
        self.files, self.parsed, self.layers = [], [], ()

    def __call__(self, files, settings, on_progress, **where):
        self.files = files
        self.parsed = [onnx.load(file.path) for file in files]
        return samples.bench(*(samples.model(file.name, layers=self.layers) for file in files))


@pytest.fixture
def fake(monkeypatch):
    found = FakeBench()
    monkeypatch.setattr(route, "bench", found)
    return found


def save(folder, inputs="float[1,8] x", name="m.onnx"):
    text = (
        f'<ir_version: 9, opset_import: ["": 17]> g ({inputs}) => (float[A,B] y) {{ y = Abs(x) }}'
    )
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    onnx.save(onnx.parser.parse_model(text), path)
    return str(path)


def shapes(fake):
    return [[value.shape for value in file.inputs] for file in fake.files]


def test_a_file_is_measured_in_place(fake, tmp_path):
    path = save(tmp_path)
    found = measure([path], NOTHING, Settings(), None)
    (file,) = fake.files
    assert (file.name, file.path, found.sources) == ("m", Path(path), (path,))
    assert shapes(fake) == [[(1, 8)]]


def test_a_shipped_network_becomes_a_file_for_as_long_as_it_takes(fake):
    measure(["small-cnn"], NOTHING, Settings(), None)
    assert fake.files[0].name == "small-cnn"
    assert fake.parsed[0].graph.initializer
    assert not fake.files[0].path.exists()


def test_the_multipliers_are_applied(fake):
    for alpha in (1.0, 0.5):
        measure(["small-cnn"], Sizes({}, {}, alpha, 0.5), Settings(), None)
        weights = sum(len(tensor.raw_data) for tensor in fake.parsed[0].graph.initializer)
        assert weights < (2e6 if alpha == 1 else 6e5)


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["a/m.onnx", "b/n.onnx"], ["m", "n"]),
        (["a/m.onnx", "b/m.onnx"], ["{}/a/m.onnx", "{}/b/m.onnx"]),
        (["a/m.onnx", "a/m.onnx"], ["{}/a/m.onnx (1)", "{}/a/m.onnx (2)"]),
    ],
    ids=["short", "by source", "by number"],
)
def test_names_distinguish_models(fake, tmp_path, sources, names):
    paths = [save(tmp_path, name=name) for name in sources]
    measure(paths, NOTHING, Settings(), None)
    assert [file.name for file in fake.files] == [name.format(tmp_path) for name in names]


def test_dimensions_are_bound_by_symbol_and_by_input(fake, tmp_path):
    path = save(tmp_path, "float[N,C] x")
    measure([path], Sizes({"C": 3}, {}), Settings(), None)
    assert shapes(fake) == [[(1, 3)]]
    measure([path], Sizes({}, {"x": (2, 5)}), Settings(), None)
    assert shapes(fake) == [[(2, 5)]]


def test_a_size_goes_to_the_models_that_know_it(fake, tmp_path):
    paths = [save(tmp_path, "float[1,C] x", "open.onnx"), save(tmp_path, name="fixed.onnx")]
    measure(paths, Sizes({"C": 3}, {}), Settings(), None)
    assert shapes(fake) == [[(1, 3)], [(1, 8)]]


def test_a_size_that_no_model_knows_is_refused(fake, tmp_path):
    paths = [save(tmp_path, "float[1,C] x", "open.onnx"), save(tmp_path, name="fixed.onnx")]
    with pytest.raises(BindingError, match="no dimension named 'Q'"):
        measure(paths, Sizes({"C": 3, "Q": 3}, {}), Settings(), None)


def stored(folder, **arrays):
    path = folder / "inputs.npz"
    np.savez(path, **arrays)
    return Settings(inputs=path)


def test_the_users_arrays_bind_what_is_open(fake, tmp_path):
    settings = stored(tmp_path, x=np.ones((2, 3), np.float32))
    measure([save(tmp_path, "float[N,C] x")], NOTHING, settings, None)
    assert shapes(fake) == [[(2, 3)]]


def test_bindings_override_the_shapes_of_arrays(fake, tmp_path):
    settings = stored(tmp_path, x=np.ones((2, 3), np.float32))
    measure([save(tmp_path, "float[N,C] x")], Sizes({}, {"x": (4, 4)}), settings, None)
    assert shapes(fake) == [[(4, 4)]]  # the child reports that the array does not fit


def test_arrays_that_contradict_a_size_are_named(fake, tmp_path):
    settings = stored(tmp_path, x=np.ones((2, 3), np.float32))
    with pytest.raises(BindingError, match=r"the shape x=2x3 in .*inputs\.npz contradicts C=4"):
        measure([save(tmp_path, "float[N,C] x")], Sizes({"C": 4}, {}), settings, None)


def test_arrays_for_fixed_inputs_are_left_to_those_who_feed_them(fake, tmp_path):
    settings = stored(tmp_path, x=np.ones((9, 9), np.float32))
    measure([save(tmp_path)], NOTHING, settings, None)
    assert shapes(fake) == [[(1, 8)]]


def test_an_open_dimension_names_what_to_bind(fake, tmp_path):
    with pytest.raises(BindingError, match="--bind C=SIZE"):
        measure([save(tmp_path, "float[N,C] x")], NOTHING, Settings(), None)


def test_costs_are_shown_with_times(fake, tmp_path):
    fake.layers = (LayerTime(("y",), "Abs", "cpu", "", 100.0, 1.0),)
    (layer,) = measure([save(tmp_path)], NOTHING, Settings(), None).models[0].layers
    assert (layer.name, layer.macs, layer.bytes_moved) == ("y", 0, 2 * 8 * 4)


def test_wrong_settings_are_refused_before_anything_is_read(fake):
    with pytest.raises(SepcostError, match="baseline 1"):
        measure(["nothing.onnx"], NOTHING, Settings(baseline=1), None)
    assert not fake.files


def test_an_invalid_source_is_refused(fake, tmp_path):
    with pytest.raises(ModelError, match=r"nothing\.onnx"):
        measure([str(tmp_path / "nothing.onnx")], NOTHING, Settings(), None)
