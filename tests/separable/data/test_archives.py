"""Large arrays of an .npz are read row by row, whether they are compressed or not."""

import tracemalloc

import numpy as np
import pytest

from sepcost.errors import ConversionError
from sepcost.separable.data import archives
from sepcost.separable.data.calibrate import open_data
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.data.samples import Input

SAVED = {"stored": np.savez, "compressed": np.savez_compressed}
INPUTS = (Input("x", "float32", (None, 5, 7)), Input("y", "int64", (None,)))


@pytest.fixture(params=SAVED)
def save(request, monkeypatch):
    """How an archive is saved; every array is too large to be held."""
    monkeypatch.setattr(archives, "HELD_BYTES", 0)
    monkeypatch.setattr(archives, "PIECE_BYTES", 300)
    return SAVED[request.param]


def arrays(count=23, dtype="float32"):
    random = np.random.default_rng(0)
    return {
        "x": random.standard_normal((count, 5, 7)).astype(dtype),
        "y": random.integers(9, size=count),
    }


def opened(path):
    return open_data(path, INPUTS, ImageFormat())


@pytest.mark.parametrize("dtype", ["float32", ">f4", "float64"])
def test_any_rows_are_those_that_were_saved(tmp_path, save, dtype):
    kept = arrays(dtype=dtype)
    save(tmp_path / "a.npz", labels=np.arange(23), **kept)
    data = opened(tmp_path / "a.npz")
    assert data.labels is not None
    for places in ([0], [22], [3, 4, 5], [1, 2, 4, 5, 6, 8], [7, 3, 3, 0], range(23)):
        for name, read in data.samples.items():
            rows = read(np.array(places))
            assert rows.dtype == {"x": np.float32, "y": np.int64}[name]
            assert (rows == kept[name][list(places)].astype(rows.dtype)).all()


def test_columns_first_is_read_as_a_whole(tmp_path, save):
    kept = arrays()
    save(tmp_path / "a.npz", x=np.asfortranarray(kept["x"]), y=kept["y"])
    (feeds,) = opened(tmp_path / "a.npz").batches()
    assert (feeds["x"] == kept["x"]).all()


def test_only_a_few_rows_are_held_at_a_time(tmp_path, save, monkeypatch):
    monkeypatch.setattr(archives, "PIECE_BYTES", 1 << 20)
    x = np.zeros((6000, 5, 7 * 40), np.float32)  # 34 MB
    x[:, 0, 0] = np.arange(6000)
    save(tmp_path / "a.npz", x=x, y=np.zeros(6000, np.int64))
    del x
    inputs = (Input("x", "float32", (None, 5, 280)), INPUTS[1])
    tracemalloc.start()
    try:
        data = open_data(tmp_path / "a.npz", inputs, ImageFormat())
        seen = [feeds["x"][:, 0, 0].copy() for feeds in data.batches()]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (np.concatenate(seen) == np.arange(6000)).all()
    assert peak < 1 << 23


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_values_are_found_wherever_they_are(tmp_path, save, bad):
    kept = arrays()
    kept["x"][-1, -1, -1] = bad
    save(tmp_path / "a.npz", **kept)
    with pytest.raises(ConversionError, match=r"a\.npz: 'x' contains (NaN|infinity)"):
        opened(tmp_path / "a.npz")


@pytest.mark.usefixtures("save")
def test_a_damaged_row_is_found_by_the_checksum(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, **arrays())
    data = bytearray(path.read_bytes())
    data[900] ^= 1
    path.write_bytes(data)
    with pytest.raises(ConversionError, match=r"not an \.npz archive of plain arrays: Bad CRC"):
        opened(path)


@pytest.mark.usefixtures("save")
def test_an_archive_that_shrinks_meanwhile_is_reported(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, **arrays())
    data = opened(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ConversionError, match=r"x\.npy ends early"):
        list(data.batches())


def test_a_single_array_is_not_an_archive(tmp_path):
    np.save(tmp_path / "a.npy", arrays()["x"])
    with pytest.raises(ConversionError, match=r"a single array; give an \.npz or a folder"):
        opened(tmp_path / "a.npy")
