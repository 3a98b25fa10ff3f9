"""The far machine of these tests; they are skipped without OpenSSH."""

import os
import sys

import pytest

from tests.latency.hosts import far as machine


@pytest.fixture(scope="session")
def _far(tmp_path_factory):
    if sys.platform == "win32" or machine.SSHD is None or machine.SSH is None:
        pytest.skip("needs OpenSSH's client and server")
    far, sshd = machine.start(tmp_path_factory.mktemp("far"))
    yield far
    sshd.terminate()
    sshd.wait(20)


@pytest.fixture
def far(_far, monkeypatch):
    """A machine that is set up, under the name ``far``."""
    monkeypatch.setenv("PATH", f"{_far.bin}{os.pathsep}{os.environ['PATH']}")
    return _far
