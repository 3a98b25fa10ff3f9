"""Where the benchmarks find a Python for their peers."""

import sys

import pytest

from benchmarks import environments

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts as programs")

SHIM = "exit 127"  # of pyenv, for a version that is installed but not chosen


def program(path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A PATH with nothing but what a test puts there, and an older Python that runs it."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "version_info", (3, 11))
    return tmp_path / "bin"


def test_our_own_python_is_taken_if_it_is_new_enough(path):
    program(path / "python3.12", "echo 3 12")
    assert environments.interpreter((3, 11)) == sys.executable


def test_a_python_on_the_path_must_start(path):
    program(path / "python3.12", SHIM)
    assert environments.interpreter((3, 12)) is None
    program(path / "python3.13", "echo 3 13")
    assert environments.interpreter((3, 12)) == str(path / "python3.13")


def test_uv_and_pyenv_know_others(path, tmp_path):
    program(path / "python3.12", SHIM)
    program(tmp_path / "3.12.1/bin/python", "echo 3 12")
    program(
        path / "pyenv",
        f"""case "$*" in
        "latest 3.12") echo 3.12.1 ;;
        "prefix 3.12.1") echo {tmp_path}/3.12.1 ;;
        *) exit 1 ;;
    esac""",
    )
    assert environments.interpreter((3, 12)) == str(tmp_path / "3.12.1/bin/python")
    program(tmp_path / "uv-python", "echo 3 12")
    program(path / "uv", f'[ "$3" = 3.12 ] && echo {tmp_path}/uv-python')
    assert environments.interpreter((3, 12)) == str(tmp_path / "uv-python")


def test_without_a_newer_python_there_is_none(path):
    assert environments.interpreter((3, 12)) is None
