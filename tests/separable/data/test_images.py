"""Images as tensors."""

import numpy as np
import pytest

from sepcost.errors import ConversionError
from sepcost.separable.data import images
from sepcost.separable.data.images import ImageFormat

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def red(tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGB", (4, 2), (255, 51, 0)).save(path)
    return path


def test_channels_go_where_the_input_has_them(red):
    first = images.read(red, (None, 3, 2, 4), ImageFormat())
    last = images.read(red, (None, 2, 4, 3), ImageFormat())
    assert first.shape == (3, 2, 4)
    assert np.allclose(first[:, 0, 0], [1, 0.2, 0])
    assert np.array_equal(first.transpose(1, 2, 0), last)


def test_images_are_normalised_by_mean_and_deviation(red):
    found = images.read(red, (1, 3, 2, 4), ImageFormat((0.5, 0.2, 0), (0.5, 1, 2)))
    assert np.allclose(found[:, 1, 3], [1, 0, 0])


def test_images_are_resized(red):
    found = images.read(red, (None, 3, None, None), ImageFormat(size=(5, 7)))
    assert found.shape == (3, 5, 7)


def test_impossible_formats_are_reported(red, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    for path, sizes, wanted, word in (
        (red, (None, 3, None, None), ImageFormat(), "--size"),
        (red, (None, 2, 2, 2), ImageFormat(), "channels"),
        (red, (None, 3), ImageFormat(), "4 axes"),
        (red, (None, 3, 2, 4), ImageFormat(mean=(1, 2)), "--mean"),
        (broken, (None, 3, 2, 4), ImageFormat(), "broken.png"),
    ):
        with pytest.raises(ConversionError, match=word):
            images.read(path, sizes, wanted)
