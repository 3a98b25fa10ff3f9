"""The file of a machine's peaks: what is written is read back, and faults name their key."""

from pathlib import Path

import pytest

from sepcost.cost.roofline import MachinePeaks
from sepcost.errors import SepcostError
from sepcost.latency.machine_file import read, written
from sepcost.latency.results import Bench, Machine, Peaks

PEAKS = Peaks(57_600_000_000.0, 19_000_000_000.0, 204_800_000_000.0)


def bench(peaks):
    machine = Machine('a "pi"', "Linux", "Cortex\\A76", 4, None, None, None, "1.32.0", peaks)
    return Bench(machine, ("cpu",), 2, (), (), 0.0, 1.0)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "pi5.toml"
    path.write_text(written(bench(PEAKS), "pi5"), encoding="utf-8")
    assert read(path) == MachinePeaks("pi5", 57.6e9, 19e9, 204.8e9, "cpu", 2)


def test_a_provider_without_integers_has_no_such_peak(tmp_path):
    path = tmp_path / "gpu.toml"
    path.write_text(written(bench(Peaks(1e12, 1e11)), "gpu"), encoding="utf-8")
    assert read(path).int8_macs_per_second is None


def test_peaks_that_were_not_measured_are_refused():
    with pytest.raises(SepcostError, match="the peaks were not measured; add --machine"):
        written(bench(None), "pi5")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "not valid TOML"),
        ("\xff", "not valid TOML"),
        ("macs_per_second = 1", "not a machine file: expected schema"),
        ('schema = "sepcost/machine/1"', "macs_per_second = None: expected a number above 0"),
        (
            'schema = "sepcost/machine/1"\nmacs_per_second = inf\nbytes_per_second = 1',
            "macs_per_second = inf: expected a number above 0",
        ),
        (
            'schema = "sepcost/machine/1"\nmacs_per_second = 1\nbytes_per_second = "2"',
            "bytes_per_second = '2': expected a number above 0",
        ),
    ],
)
def test_faults_name_the_file_and_the_key(tmp_path, text, message):
    path = tmp_path / "m.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SepcostError, match=r"m\.toml: ") as raised:
        read(path)
    assert message in str(raised.value)


def test_a_missing_file_is_refused():
    with pytest.raises(SepcostError, match=r"no\.toml: No such file.*; write it on that machine"):
        read(Path("no.toml"))
