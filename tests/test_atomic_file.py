"""Files that appear whole or not at all, and the removal of abandoned temporary files."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sepcost import atomic_file
from sepcost.atomic_file import SUFFIX

posix = pytest.mark.skipif(sys.platform == "win32", reason="locks that go with their process")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "r.json"
    with atomic_file.create(path) as draft:
        draft.file.write(b"new")
        assert not path.exists()
        atomic_file.publish(draft)
    assert (path.read_bytes(), names(tmp_path)) == (b"new", ["r.json"])


def test_an_unpublished_draft_is_removed(tmp_path):
    with atomic_file.create(tmp_path / "r.json") as draft:
        draft.file.write(b"new")
    assert names(tmp_path) == []


@posix
def test_permissions_stay(tmp_path):
    path = tmp_path / "r.json"
    path.touch()
    path.chmod(0o604)
    atomic_file.write(b"new", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.parametrize("length", [255, 60, 1])
@pytest.mark.parametrize("letter", ["n", "ß", "\N{CJK UNIFIED IDEOGRAPH-4E00}"])
def test_a_name_may_be_as_long_as_names_can_be(tmp_path, length, letter):
    path = tmp_path / (letter * (length // len(letter.encode()) or 1))
    atomic_file.write(b"new", path)
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_errors_name_the_file_that_was_asked_for(tmp_path, monkeypatch, step):
    def refuse(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device", *map(str, arguments[:1]))

    monkeypatch.setattr(os, step, refuse)
    with pytest.raises(OSError, match="No space") as caught:
        atomic_file.write(b"new", tmp_path / "r.json")
    if step == "replace":
        assert caught.value.filename == str(tmp_path / "r.json")
    assert names(tmp_path) == []


def test_a_missing_folder_is_named_by_the_file(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        atomic_file.write(b"new", tmp_path / "no" / "r.json")
    assert caught.value.filename == str(tmp_path / "no" / "r.json")


LEFT = """
import os, sys
from pathlib import Path
from sepcost.atomic_file import create
with create(Path(sys.argv[1])) as draft:
    print("open", flush=True)
    sys.stdin.read()
"""


@posix
def test_the_next_writer_removes_the_drafts_of_killed_processes_and_nothing_else(tmp_path):
    command = [sys.executable, "-c", LEFT, str(tmp_path / "r.json")]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as killed,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as alive,
    ):
        for process in (killed, alive):
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        (tmp_path / ".hidden").touch()
        assert len(names(tmp_path)) == 3
        atomic_file.write(b"new", tmp_path / "other.json")
        (held,) = [name for name in names(tmp_path) if name.endswith(SUFFIX)]
        assert names(tmp_path) == sorted([".hidden", held, "other.json"])
        alive.communicate()
    assert names(tmp_path) == [".hidden", "other.json"]


def test_concurrent_writers_do_not_remove_each_others_drafts(tmp_path):
    def write(number):
        atomic_file.write(str(number).encode(), tmp_path / f"{number % 4}.json")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(200)))
    assert names(tmp_path) == [f"{number}.json" for number in range(4)]
