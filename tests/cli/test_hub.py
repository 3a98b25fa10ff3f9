"""Every command on a model in Hugging Face's cache: its files are links into a folder of blobs."""

import os
import sys

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from typer.testing import CliRunner

from sepcost.cli.app import app
from tests.model.build import model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")

COMMANDS = (
    "analyze m.onnx",
    "analyze m.onnx --observe",
    "bench m.onnx --layers --launches 1 --max-time 0.1",
    "convert m.onnx -o out.onnx --rank 1 --no-verify",
    "check m.onnx --max-file-size 1MB",
    "diff m.onnx m.onnx",
)


@pytest.fixture(params=[True, False], ids=["data-apart", "one-file"])
def hub(request, tmp_path, monkeypatch):
    """A folder of links to files with other names in ``blobs``."""
    proto = model(
        "g (float[1,16,16,16] x) => (float[1,16,16,16] y) {y = Conv<pads=[1,1,1,1]>(x,w)}"
    )
    weight = np.random.default_rng(0).standard_normal((16, 16, 3, 3)).astype(np.float32)
    proto.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "r1" / "onnx"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    onnx.save(
        proto, tmp_path / "m.onnx", save_as_external_data=request.param,
        location="m.onnx_data", size_threshold=0,
    )  # fmt: skip
    for blob, name in {"aaa": "m.onnx", "bbb": "m.onnx_data"}.items():
        if (tmp_path / name).exists():
            os.rename(tmp_path / name, blobs / blob)
            (snapshot / name).symlink_to(f"../../../blobs/{blob}")
    monkeypatch.chdir(snapshot)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return snapshot


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_what_onnx_runtime_runs(hub, command):
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 0, done.output


def test_the_blobs_are_not_changed(hub):
    before = {path: path.read_bytes() for path in hub.parents[2].glob("blobs/*")}
    done = CliRunner().invoke(app, COMMANDS[3].split())
    assert done.exit_code == 0, done.output
    assert {path: path.read_bytes() for path in hub.parents[2].glob("blobs/*")} == before
    assert not (hub / "out.onnx").is_symlink()
