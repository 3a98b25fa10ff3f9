"""Calibration data: accepted and refused files, and batches."""

import numpy as np
import pytest

from sepcost.errors import ConversionError
from sepcost.separable.data.calibrate import declared, open_data
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.data.samples import Input
from tests.separable.build import parsed, saved

OPEN = (Input("x", "float32", (None, 2, 3)),)
FIXED = (Input("x", "float32", (4, 2, 3)),)


def archive(folder, **arrays):
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


def numbers(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def taken(folder, inputs=OPEN, images=ImageFormat(), **arrays):  # noqa: B008
    return open_data(archive(folder, **arrays), inputs, images)


def refused(folder, inputs=OPEN, **arrays):
    with pytest.raises(ConversionError) as problem:
        taken(folder, inputs, **arrays)
    assert "\n" not in str(problem.value)
    return str(problem.value)


def test_rows_come_in_batches(tmp_path):
    data = taken(tmp_path, x=numbers(70, 2, 3))
    batches = [feeds["x"] for feeds in data.batches()]
    assert [len(b) for b in batches] == [32, 32, 6]
    assert np.array_equal(np.concatenate(batches), numbers(70, 2, 3))


def test_a_fixed_batch_takes_whole_batches_only(tmp_path):
    data = taken(tmp_path, FIXED, x=numbers(10, 2, 3))
    assert [feeds["x"].shape for feeds in data.batches()] == [(4, 2, 3), (4, 2, 3)]


def test_whole_inputs_come_one_by_one(tmp_path):
    data = taken(tmp_path, FIXED, x=numbers(3, 4, 2, 3))
    assert [feeds["x"].shape for feeds in data.batches()] == [(4, 2, 3)] * 3


def test_one_array_needs_no_name(tmp_path):
    data = taken(tmp_path, images=ImageFormat(), pictures=numbers(5, 2, 3), labels=np.arange(5))
    assert len(data) == 5


def test_labels_stay_with_their_samples(tmp_path):
    data = taken(tmp_path, x=numbers(80, 2, 3), labels=np.arange(80))
    for side in data.split():
        shown = np.concatenate([feeds["x"] for feeds in side.batches()])
        assert np.array_equal(shown[:, 0, 0] / 6, side.known())


def test_no_sample_is_in_both_splits(tmp_path):
    fit, judge = taken(tmp_path, x=numbers(80, 2, 3)).split(4)
    assert sorted([*fit.places, *judge.places]) == list(range(80))
    assert len(judge) == 20


def test_splits_are_whole_batches_if_required(tmp_path):
    fit, judge = taken(tmp_path, FIXED, x=numbers(40, 2, 3)).split(4)
    assert (len(fit), len(judge)) == (28, 8)


def test_single_samples_are_not_copied(tmp_path):
    data = taken(tmp_path, x=numbers(8, 2, 3)).within(1)
    first, second = list(data.batches(2)), list(data.batches(2))
    shared = [np.shares_memory(a["x"], b["x"]) for a, b in zip(first, second, strict=True)]
    assert shared == [True, True]
    assert not np.shares_memory(first[0]["x"], first[1]["x"])


def test_half_precision_and_pixels_become_the_inputs_type(tmp_path):
    for kind in (np.float16, np.float64, np.uint8):
        data = taken(tmp_path, x=numbers(2, 2, 3).astype(kind))
        assert next(data.batches())["x"].dtype == np.float32


def test_arrays_determine_the_sizes_that_a_model_leaves_open(tmp_path):
    inputs = (Input("x", "float32", (None, 2, None)),)
    assert taken(tmp_path, inputs, x=numbers(5, 2, 7)).item == {"x": (1, 2, 7)}


def test_wrong_names_are_reported(tmp_path):
    two = (*OPEN, Input("mask", "float32", (None, 2)))
    assert "'mask'" in refused(tmp_path, two, x=numbers(5, 2, 3))
    message = refused(tmp_path, x=numbers(5, 2, 3), z=numbers(5))
    assert "the model has no input 'z'; its inputs are 'x'" in message


def test_wrong_shapes_are_reported(tmp_path):
    message = refused(tmp_path, x=numbers(5, 3, 3))
    assert "'x' has shape 5x3x3" in message
    assert "expected SAMPLESx2x3 or SAMPLESxBATCHx2x3" in message


def test_wrong_types_are_reported(tmp_path):
    assert "int64" in refused(tmp_path, x=np.zeros((5, 2, 3), np.int64))
    assert "complex64" in refused(tmp_path, x=np.zeros((5, 2, 3), np.complex64))


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_values_that_are_not_numbers_are_reported(tmp_path, value, word):
    array = numbers(5, 2, 3)
    array[3, 1, 2] = value
    message = refused(tmp_path, x=array)
    assert "'x'" in message
    assert word in message


def test_labels_are_one_whole_number_per_sample(tmp_path):
    assert "'labels'" in refused(tmp_path, x=numbers(5, 2, 3), labels=np.arange(4))
    assert "'labels'" in refused(tmp_path, x=numbers(5, 2, 3), labels=np.zeros(5))


def test_all_inputs_have_the_same_number_of_samples(tmp_path):
    two = (*OPEN, Input("mask", "float32", (None, 2)))
    assert "have different numbers of samples" in refused(
        tmp_path, two, x=numbers(5, 2, 3), mask=numbers(4, 2)
    )


def test_too_few_samples_are_reported(tmp_path):
    assert "3 samples" in refused(tmp_path, FIXED, x=numbers(3, 2, 3))


def test_a_damaged_archive_is_reported_in_one_line(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=numbers(5, 2, 3))
    data = bytearray(path.read_bytes())
    data[60:62] = b"\xff\xff"  # within the compressed data: an error of zlib
    path.write_bytes(data)
    with pytest.raises(ConversionError, match=r"not an \.npz archive of plain arrays: .") as error:
        open_data(path, OPEN, ImageFormat())
    assert "\n" not in str(error.value)


def test_a_damaged_header_is_reported_in_one_line(tmp_path):
    path = tmp_path / "0.npy"
    np.save(path, numbers(2, 3))
    path.write_bytes(path.read_bytes().replace(b"False", b"(((((", 1))  # an error of tokenize
    with pytest.raises(ConversionError, match=r"0\.npy: not a plain \.npy array: ."):
        open_data(tmp_path, OPEN, ImageFormat())


def test_no_objects_are_unpickled(tmp_path):
    assert "plain arrays" in refused(tmp_path, x=np.array([{}], object))


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(ConversionError, match=r"data\.npz"):
        open_data(tmp_path / "data.npz", OPEN, ImageFormat())


def test_the_image_format_applies_only_to_images(tmp_path):
    path = archive(tmp_path, x=numbers(5, 2, 3))
    with pytest.raises(ConversionError, match="only for images"):
        open_data(path, OPEN, ImageFormat(mean=(0.5,)))


def test_a_folder_is_read_file_by_file(tmp_path):
    for k in range(3):
        np.save(tmp_path / f"{k}.npy", numbers(2, 3) + k)
    data = open_data(tmp_path, OPEN, ImageFormat())
    (feeds,) = data.batches()
    assert feeds["x"].shape == (3, 2, 3)
    assert feeds["x"][:, 0, 0].tolist() == [0, 1, 2]
    assert data.labels is None


def test_subfolders_are_classes(tmp_path):
    for k, name in enumerate(("cat", "dog", "dog")):
        (tmp_path / name).mkdir(exist_ok=True)
        np.save(tmp_path / name / f"{k}.npy", numbers(2, 3))
    data = open_data(tmp_path, OPEN, ImageFormat())
    labels = data.known()
    assert labels is not None
    assert labels.tolist() == [0, 1, 1]


def test_a_file_with_nan_is_reported_when_it_is_read(tmp_path):
    np.save(tmp_path / "0.npy", numbers(2, 3))
    np.save(tmp_path / "1.npy", np.full((2, 3), np.nan, np.float32))
    data = open_data(tmp_path, OPEN, ImageFormat())
    with pytest.raises(ConversionError, match=r"1\.npy.*NaN"):
        list(data.batches())


def test_an_empty_folder_is_reported(tmp_path):
    with pytest.raises(ConversionError, match=r"no \.npy files or images"):
        open_data(tmp_path, OPEN, ImageFormat())


def test_inputs_are_those_without_an_initializer(tmp_path):
    model = parsed(
        """<ir_version: 9, opset_import: ["" : 17]>
        g (float[N, 4] x, float16[2] h, float[1] w) => (float[N, 4] y)
        <float[1] w = {1}> { y = Mul (x, w) }"""
    )
    assert declared(saved(model, tmp_path)) == (
        Input("x", "float32", (None, 4)),
        Input("h", "float16", (2,)),
    )


def test_a_model_that_takes_single_numbers_gets_one_per_sample(tmp_path):
    path = tmp_path / "data.npz"
    one = [Input("x", "float32", ())]
    np.savez(path, x=np.float32(3))
    with pytest.raises(ConversionError, match=r"'x' has shape scalar; expected SAMPLES$"):
        open_data(path, one, ImageFormat())
    np.savez(path, x=np.arange(3, dtype=np.float32))
    assert [feeds["x"].tolist() for feeds in open_data(path, one, ImageFormat()).batches()] == [
        0,
        1,
        2,
    ]


@pytest.mark.parametrize("size", [4, 32])
def test_a_model_of_a_fixed_batch_is_never_fed_another(tmp_path, size):
    """32 is also the default for a dynamic batch."""
    path = archive(tmp_path, x=numbers(3 * size + 1, 2, 3), labels=np.arange(3 * size + 1))
    data = open_data(path, (Input("x", "float32", (size, 2, 3)),), ImageFormat())
    for limit, runs in ((None, 3), (1, 1), (size + 1, 2)):
        assert [len(feeds["x"]) for feeds in data.batches(limit, 2)] == [size] * runs
        known = data.known(limit)
        assert known is not None
        assert len(known) == size * runs
    assert [len(side) % size for side in data.split(2)] == [0, 0]
