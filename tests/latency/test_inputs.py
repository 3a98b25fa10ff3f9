"""Random inputs of the right type and range, and input files that are refused."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.errors import BindingError
from sepcost.latency.inputs import feeds, random_inputs, stored_inputs, stored_shapes
from sepcost.model.dtypes import numpy_dtype
from sepcost.network import Role, Value


def value(name: str, shape: tuple[int, ...] | None, dtype: str = "float32") -> Value:
    return Value(name, shape, dtype, Role.INPUT)


def one(name: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return random_inputs([value(name, shape, dtype)], 0)[0][name]


TYPES = ["float32", "float16", "float64", "int8", "uint8", "int32", "int64", "uint16", "bool"]


@given(st.sampled_from(TYPES), st.lists(st.integers(0, 5), max_size=4).map(tuple), st.integers(0))
def test_inputs_have_the_type_and_shape_asked_for_and_are_finite(dtype, shape, seed):
    arrays, _ = random_inputs([value("x", shape, dtype)], seed)
    assert arrays["x"].dtype == dtype
    assert arrays["x"].shape == shape
    assert np.isfinite(arrays["x"].astype(float)).all()


def test_the_same_seed_gives_the_same_inputs_whatever_their_names():
    a, _ = random_inputs([value("a", (3,)), value("b", (3,))], 1)
    b, _ = random_inputs([value("p", (3,)), value("q", (3,))], 1)
    other, _ = random_inputs([value("a", (3,)), value("b", (3,))], 2)
    assert np.array_equal(a["a"], b["p"])
    assert np.array_equal(a["b"], b["q"])
    assert not np.array_equal(a["a"], a["b"])
    assert not np.array_equal(a["a"], other["a"])


@pytest.mark.parametrize(
    ("name", "dtype", "low", "high"),
    [
        ("image", "float32", 0, 1),
        ("pixels", "uint8", 0, 255),
        ("input_ids", "int64", 0, 9),  # tokens of every vocabulary
        ("attention_mask", "int64", 1, 1),
        ("padding_mask", "float32", 1, 1),
        ("token_type_ids", "int64", 0, 0),
        ("position_ids", "int64", 0, 31),
        ("use_cache_branch", "int64", 0, 1),
    ],
)
def test_integers_and_masks_make_sense(name, dtype, low, high):
    array = one(name, (2, 32), dtype)
    assert array.min() >= low
    assert array.max() <= high
    assert (array.min() < array.max()) == (low < high)


def test_positions_count_up():
    assert one("position_ids", (2, 4), "int64").tolist() == [[0, 1, 2, 3]] * 2


def test_masks_of_booleans_let_everything_through():
    assert one("key_mask", (7,), "bool").all()


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_single_integer_is_guessed_and_reported(shape):
    arrays, warnings = random_inputs([value("sr", shape, "int64")], 0)
    assert arrays["sr"].item() == 1
    assert "'sr'" in warnings[0]
    assert "--inputs" in warnings[0]


def test_text_is_text():
    assert one("words", (2,), "string").tolist() == ["a", "a"]


@pytest.mark.parametrize("dtype", ["bfloat16", "float8e4m3fn", "float8e5m2", "int4", "uint4"])
def test_types_that_numpy_lacks(dtype):
    assert one("x", (4,), dtype).shape == (4,)


@pytest.mark.parametrize("dtype", ["sequence(float32)", "opaque"])
def test_inputs_that_are_not_tensors_cannot_be_generated(dtype):
    with pytest.raises(BindingError, match="cannot create inputs of type"):
        random_inputs([value("x", (1,), dtype)], 0)


def test_an_unknown_shape_is_refused():
    with pytest.raises(BindingError, match=r"'x' has no static shape.*--shape"):
        random_inputs([value("x", None)], 0)


def test_a_type_that_npz_lacks_must_be_stored_in_another(tmp_path):
    path = tmp_path / "x.npz"
    x = (value("x", (2,), "bfloat16"),)
    np.savez(path, x=np.ones(2, numpy_dtype("bfloat16")))
    with pytest.raises(BindingError, match="takes bfloat16; store it as float32"):
        stored_inputs(path, x)
    np.savez(path, x=np.ones(2, np.float32))
    assert stored_inputs(path, x)["x"].dtype == numpy_dtype("bfloat16")


def test_a_sequence_is_refused_without_asking_for_its_shape():
    with pytest.raises(BindingError, match=r"'x' is not a tensor.*cut the model"):
        random_inputs([value("x", None, "")], 0)


X = (value("x", (2, 3)),)


@pytest.fixture
def archive(tmp_path):
    """Save arrays as an .npz file."""

    def save(**arrays: np.ndarray) -> Path:
        np.savez(tmp_path / "in.npz", **arrays)  # type: ignore[arg-type]
        return Path(tmp_path / "in.npz")

    return save


def test_stored_arrays_come_back(archive):
    data = np.arange(6, dtype=np.float32).reshape(2, 3)
    found, warnings = feeds(X, archive(x=data), 0)
    assert np.array_equal(found["x"], data)
    assert warnings == ()


def test_shapes_are_read_without_the_data(archive):
    assert stored_shapes(archive(x=np.zeros((2, 3)), n=np.int64(1))) == {"x": (2, 3), "n": ()}


def test_python_floats_become_the_models(archive):
    assert stored_inputs(archive(x=np.zeros((2, 3))), X)["x"].dtype == np.float32


def test_whole_numbers_fit_any_type_that_represents_them(archive):
    wanted = (value("x", (2,), "int32"),)
    assert stored_inputs(archive(x=np.array([1, 2])), wanted)["x"].dtype == np.int32
    with pytest.raises(BindingError, match="'x' is int64, but the model takes int32"):
        stored_inputs(archive(x=np.array([1, 2**40])), wanted)
    with pytest.raises(BindingError, match="'x' is float64, but the model takes int32"):
        stored_inputs(archive(x=np.array([1, 2.5])), wanted)


def test_rounding_is_fine_if_the_model_computes_at_lower_precision(archive):
    half = (value("x", (2,), "bfloat16"),)
    assert stored_inputs(archive(x=np.array([1 / 3, 2])), half)["x"].dtype.name == "bfloat16"


@pytest.mark.parametrize("bad", [[np.nan, 1], [np.inf, 1], [-1, 1]])
def test_numbers_that_a_type_cannot_represent_are_refused(archive, bad):
    with pytest.raises(BindingError, match="but the model takes uint8"):
        stored_inputs(archive(x=np.array(bad)), (value("x", (2,), "uint8"),))


def test_text_and_numbers_do_not_mix(archive):
    words = (value("x", (2,), "string"),)
    assert stored_inputs(archive(x=np.array(["a", "bc"])), words)["x"].tolist() == ["a", "bc"]
    with pytest.raises(BindingError, match="not text"):
        stored_inputs(archive(x=np.zeros(2)), words)
    with pytest.raises(BindingError, match="but the model takes float32"):
        stored_inputs(archive(x=np.full((2, 3), "a")), X)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"y": np.zeros((2, 3))}, "no array for input 'x'; it contains 'y'"),
        (
            {"x": np.zeros((2, 3)), "y": np.zeros(1)},
            "the model has no input 'y'; its inputs are 'x'",
        ),
        ({"x": np.zeros((3, 2))}, "'x' has shape 3x2, but the model takes 2x3; resize the array"),
        ({"x": np.zeros(())}, "'x' has shape scalar, but the model takes 2x3"),
    ],
)
def test_arrays_that_do_not_fit(archive, arrays, says):
    with pytest.raises(BindingError, match=says):
        stored_inputs(archive(**arrays), X)


class Bomb:
    """The code that a pickle would run."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"PK\x03\x04", pickle.dumps(Bomb())],
    ids=["empty", "text", "broken zip", "pickle"],
)
def test_invalid_archives(tmp_path, content):
    path = tmp_path / "in.npz"
    path.write_bytes(content)
    with pytest.raises(BindingError, match=r"in\.npz: not an \.npz archive of plain arrays"):
        stored_inputs(path, X)


def encrypted(data):
    data[data.index(b"PK\1\2") + 8] = 1


def oddly_packed(data):
    data[data.index(b"PK\1\2") + 10] = 99  # an unknown compression method


def overwritten(data):
    data[60:62] = b"\xff\xff"  # within the compressed data


@pytest.mark.parametrize("harm", [encrypted, oddly_packed, overwritten])
def test_a_damaged_archive_is_reported_in_one_line(tmp_path, harm):
    """zipfile and zlib raise a different class for each."""
    path = tmp_path / "in.npz"
    np.savez_compressed(path, x=np.ones((2, 3), np.float32))
    data = bytearray(path.read_bytes())
    harm(data)
    path.write_bytes(data)
    with pytest.raises(BindingError, match=r"not an \.npz archive of plain arrays: .") as told:
        stored_inputs(path, X)
    assert "\n" not in str(told.value)


def test_pickled_objects_are_refused(archive):
    with pytest.raises(BindingError, match="plain arrays"):
        stored_inputs(archive(x=np.array([[Bomb()] * 3] * 2, dtype=object)), X)


def test_a_header_that_promises_terabytes_is_compared_first(tmp_path):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }".ljust(117)
    body = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + header.encode() + b"\n"
    path = tmp_path / "in.npz"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("x.npy", body)
    with pytest.raises(BindingError, match="has shape 1099511627776, but the model takes 2x3"):
        stored_inputs(path, X)


def test_a_missing_file(tmp_path):
    with pytest.raises(BindingError, match="cannot be read: No such file"):
        stored_inputs(tmp_path / "none.npz", X)
    with pytest.raises(BindingError, match="cannot be read"):
        stored_inputs(tmp_path, X)


def test_values_that_are_not_finite_are_reported(archive):
    path = archive(x=np.array([[0, 1, np.nan]] * 2, np.float32))
    arrays, (warning,) = feeds(X, path, 0)
    assert np.isnan(arrays["x"]).any()
    assert "'x' contains NaN or infinity" in warning
    assert feeds(X, archive(x=np.zeros((2, 3), np.float32)), 0)[1] == ()
