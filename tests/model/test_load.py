"""Loading: valid sources, and errors for wrong ones."""

import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.external_data_helper import set_external_data

from sepcost.errors import ModelError, SpecError
from sepcost.model.describe import describe
from sepcost.model.load import LOOKALIKES, load
from sepcost.model.strip_weights import tagged
from sepcost.model.tensors import content
from tests.model.build import model

TEXT = """g (float[1, 4] x) => (float[1, 2] y)
<float[4, 2] w = {1, 1, 1, 1, 1, 1, 1, 1}> { y = MatMul (x, w) }"""


def external(**entries):
    """A MatMul whose weight of 2,000 floats is external data."""
    proto = model("g (float[1, 100] x) => (float[1, 20] y) { y = MatMul (x, w) }")
    weight = TensorProto(name="w", data_type=1, dims=[100, 20])
    weight.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        weight.external_data.add(key=key, value=value)
    proto.graph.initializer.append(weight)
    return proto


@pytest.fixture
def saved(tmp_path):
    """Save a model or bytes, and return the path."""

    def save(content, name="m.onnx"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
        return path

    return save


def refusal(source, **options):
    """Return the one line of an error."""
    with pytest.raises(ModelError) as caught:
        load(source, **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_file(saved):
    path = saved(model(TEXT))
    found = load(path)
    assert (found.name, found.source, found.path, found.complete) == ("m", str(path), path, True)
    assert found.proto == model(TEXT)


def test_a_spec_and_a_shipped_network_become_models(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text('name = "small"\ninput = [3, 8, 8]\nlayers = [{ conv = 4 }]\n')
    found = load(path)
    assert (found.name, found.path, found.complete) == ("small", None, False)
    assert load(path, weights=True).complete
    assert load("mobilenet-v1").proto.graph.node


def test_a_file_takes_precedence_over_a_shipped_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("vgg16").write_bytes(model(TEXT).SerializeToString())
    assert load("vgg16").path == Path("vgg16")


def test_multipliers_are_for_specs(saved):
    assert "alpha" in refusal(saved(model(TEXT)), alpha=0.5)
    with pytest.raises(SpecError):
        load("mobilenet-v1", alpha=-1.0)


@pytest.mark.parametrize("head", LOOKALIKES)
def test_files_that_are_read_as_onnx_are_named(saved, head):
    assert LOOKALIKES[head] in refusal(saved(head + b" and more" * 10))


def test_real_files_of_other_kinds(saved):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.pkl", "x")
    assert "zip archive" in refusal(saved(archive.getvalue()))
    assert "pickle" in refusal(saved(pickle.dumps({"w": [1.0]})))
    assert "git lfs pull" in refusal(saved(b"version https://git-lfs.github.com/spec/v1\noid x\n"))
    assert "ORT format" in refusal(saved(b"\x18\0\0\0ORTM" + bytes(50)))


@pytest.mark.parametrize(
    "content", [b"just some text\n" * 20, b"\0" * 5000, b"\x08\x07", os.urandom(3) * 2000]
)
def test_other_bytes_are_not_a_model(saved, content):
    line = refusal(saved(content))
    assert "not an ONNX model" in line or "truncated" in line


def test_empty_files_folders_pipes_and_devices(saved, tmp_path):
    assert "empty" in refusal(saved(b""))
    assert "a folder" in refusal(tmp_path)
    assert "regular file" in refusal("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    assert "regular file" in refusal(tmp_path / "pipe")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(saved):
    path = saved(model(TEXT))
    path.chmod(0)
    assert "Permission denied" in refusal(path)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "nowhere/m.onnx", ""])
def test_names_of_missing_sources(name):
    assert refusal(name)


def test_a_typing_error_in_a_shipped_name_gets_the_closest_name():
    assert "did you mean the shipped network mobilenet-v1?" in refusal("mobilenet-v1x")
    assert "sepcost networks" in refusal("qqqqq")


@pytest.mark.parametrize("name", ["git:HEAD", "git:HEAD:m.onnx"])
def test_a_revision_is_no_source(name):
    remedy = "only 'sepcost diff git:REV FILE' and 'check --baseline git:REV' take a revision"
    assert refusal(name).endswith(remedy)


def test_every_truncation_is_refused_or_described(saved):
    """A prefix that happens to parse is described or refused as contradictory."""
    whole = model(TEXT).SerializeToString()
    refused = 0
    for end in range(1, len(whole)):
        try:
            describe(load(saved(whole[:end])))
        except ModelError:
            refused += 1
    assert refused > len(whole) / 2


def test_graphs_deeper_than_protobuf_reads(saved):
    graph = helper.make_graph([], "leaf", [], [helper.make_tensor_value_info("y", 1, [1])])
    body = graph.SerializeToString()
    for _ in range(60):
        attribute = tagged(1, b"then_branch") + tagged(6, body) + b"\xa0\x01\x05"
        body = tagged(1, tagged(4, b"If") + tagged(2, b"y") + tagged(5, attribute))
    assert "deep" in refusal(saved(b"\x08\x09" + tagged(7, body) + tagged(8, b"\x10\x11")))


# --- external data


@pytest.mark.parametrize("location", ["w.bin", "data/w.bin", "näme.bin", "missing"])
def test_external_data_in_the_folder_need_not_be_there_to_count(saved, location):
    found = load(saved(external(location=location)))
    assert describe(found).parameters["w"].shape == (100, 20)


@pytest.mark.parametrize(
    "location",
    ["../w.bin", "a/../../w.bin", "/etc/passwd", "C:\\w.bin", "c:w.bin", "\\\\host\\share", "..\\w",
     "\\w.bin", "", "a\0b"],
)  # fmt: skip
def test_external_data_elsewhere_are_refused(saved, location):
    assert "outside the model's folder" in refusal(saved(external(location=location)))


def test_external_data_through_a_link_are_refused(saved, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(bytes(8000))
    (tmp_path / "in" / "w.bin").symlink_to(tmp_path / "secret")
    (tmp_path / "in" / "sub").symlink_to(tmp_path)
    for location in ("w.bin", "sub/secret"):
        path = saved(external(location=location), "in/m.onnx")
        assert "outside the model's folder" in refusal(path)
    path = saved(external(location="own.bin"), "in/m.onnx")
    (tmp_path / "in" / "own.bin").symlink_to("other.bin")
    assert load(path).complete


@pytest.mark.parametrize("location", ["a/../a/w.bin", "a/./w.bin", "a/b/../../w.bin"])
def test_a_location_that_comes_back_without_leaving_is_inside(saved, tmp_path, location):
    assert load(saved(external(location=location))).data_files == {location}


@pytest.mark.parametrize("location", ["a/../../{home}/w.bin", "../{home}/w.bin", "a\\..\\..\\w"])
def test_a_location_that_leaves_and_comes_back_is_refused(saved, tmp_path, location):
    path = saved(external(location=location.format(home=tmp_path.name)))
    assert "outside the model's folder" in refusal(path)


@pytest.fixture
def hub(saved, tmp_path):
    """A cache as Hugging Face lays it out: a revision contains links to blobs."""
    blob = saved(external(location="m.onnx_data"), "models--a/blobs/aaa")
    snapshot = tmp_path / "models--a" / "snapshots" / "r1" / "onnx"
    snapshot.mkdir(parents=True)
    (snapshot / "m.onnx").symlink_to(blob)
    return snapshot


def test_data_in_the_folder_of_the_links_target_are_accepted(hub, tmp_path):
    blobs = tmp_path / "models--a" / "blobs"
    (blobs / "bbb").write_bytes(np.arange(2000, dtype=np.float32).tobytes())
    (hub / "m.onnx_data").symlink_to("../../../blobs/bbb")
    found = load(hub / "m.onnx")
    assert content(found.proto.graph.initializer[0], hub)[0, 1] == 1
    assert set(found.stamps) == {hub / "m.onnx", hub / "m.onnx_data"}


@pytest.mark.parametrize("target", ["../../../secret", "../../../../other", "/etc/passwd"])
def test_a_link_of_a_hub_that_leads_elsewhere_is_refused(hub, tmp_path, target):
    (tmp_path / "models--a" / "secret").write_bytes(bytes(8000))
    (hub / "m.onnx_data").symlink_to(target)
    assert "outside the model's folder" in refusal(hub / "m.onnx")


# lengths and offsets that are not numbers, negative, or disagree with 100 x 20 floats
@pytest.mark.parametrize(
    "entries",
    [{"length": "many"}, {"length": "-1"}, {"offset": "-8"}, {"offset": "1e3"}, {"length": "٣"},
     {"length": "7999"}, {"length": "9" * 5000}],
)  # fmt: skip
@pytest.mark.parametrize("location", ["w.bin", "m.onnx"])
def test_impossible_external_data(saved, entries, location):
    assert "tensor 'w'" in refusal(saved(external(location=location, **entries)))


def test_external_data_saved_by_onnx(saved, tmp_path):
    proto = external()
    weight = proto.graph.initializer[0]
    weight.raw_data = bytes(8000)
    set_external_data(weight, "m.data")
    onnx.save(proto, tmp_path / "m.onnx", save_as_external_data=True, location="m.data")
    assert load(tmp_path / "m.onnx").complete


# --- data that do not match their shape


def tensor(dims, data_type=TensorProto.FLOAT, **payload):
    return TensorProto(name="w", dims=dims, data_type=data_type, **payload)


WRONG = {
    "raw": tensor([3], raw_data=bytes(8)),
    "large raw": tensor([3000], raw_data=bytes(8000)),
    "raw int4": tensor([3], TensorProto.INT4, raw_data=bytes(1)),
    "float_data": tensor([3], float_data=[1.0]),
    "int32_data": tensor([3], TensorProto.INT8, int32_data=[1] * 4),
    "int64_data": tensor([], TensorProto.INT64, int64_data=[1, 2]),
    "string_data": tensor([2], TensorProto.STRING, string_data=[b"x"]),
    "complex": tensor([3], TensorProto.COMPLEX64, float_data=[1.0] * 3),
    "negative dimension": tensor([-3], raw_data=bytes(12)),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("place", ["initializer", "Constant", "subgraph", "function", "sparse"])
def test_data_that_do_not_fit_their_shape_are_refused_everywhere(saved, wrong, place):
    proto, weight = model(TEXT), WRONG[wrong]
    constant = helper.make_node("Constant", [], ["c"], value=weight)
    if place == "initializer":
        proto.graph.initializer.append(weight)
    elif place == "Constant":
        proto.graph.node.append(constant)
    elif place == "subgraph":
        graph = helper.make_graph([constant], "b", [], [])
        proto.graph.node.append(helper.make_node("If", ["x"], ["z"], then_branch=graph))
    elif place == "function":
        proto.functions.append(helper.make_function("local", "f", [], ["c"], [constant], []))
    else:
        proto.graph.sparse_initializer.add().values.CopyFrom(weight)
    assert "tensor 'w'" in refusal(saved(proto))


@pytest.mark.parametrize(
    "right",
    [
        tensor([3], float_data=[1.0] * 3),
        tensor([3], TensorProto.COMPLEX64, float_data=[1.0] * 6),
        tensor([3], TensorProto.INT4, raw_data=bytes(2)),
        tensor([3], TensorProto.INT4, int32_data=[1, 2]),
        tensor([3], TensorProto.FLOAT16, int32_data=[1] * 3),
        tensor([0], raw_data=b""),
        tensor([3]),  # stripped of its data
        tensor([3], 99, raw_data=bytes(3)),  # a future type
    ],
)
def test_data_that_fit_pass(saved, right):
    proto = model(TEXT)
    proto.graph.initializer.append(right)
    assert load(saved(proto)).proto.graph.initializer[1] == right


# --- stdin, in a separate process

READ = """
import sys
from sepcost.errors import SepcostError
from sepcost.model.load import load
try:
    loaded = load("-")
    print(loaded.name, loaded.source, loaded.path is None, len(loaded.proto.graph.node))
    for tensor in loaded.proto.graph.initializer:
        if loaded.path:
            print((loaded.path.parent / tensor.external_data[0].value).exists())
except SepcostError as error:
    print(error)
"""


def from_stdin(content):
    done = subprocess.run(
        [sys.executable, "-c", READ], input=content, capture_output=True, check=True, timeout=60
    )
    assert done.stderr == b""
    return done.stdout.decode().split("\n")


def test_a_model_from_stdin_keeps_its_weights_on_disk():
    proto = external()
    weight = proto.graph.initializer[0]
    weight.ClearField("data_location")
    weight.raw_data = np.ones(2000, np.float32).tobytes()
    assert from_stdin(proto.SerializeToString()) == ["stdin - False 1", "True", ""]


def test_a_spec_from_stdin():
    lines = from_stdin(b'name = "small"\ninput = [3, 8, 8]\nlayers = [{ conv = 4 }]\n')
    assert lines == ["small - True 1", ""]


def test_a_wrong_spec_from_stdin_is_called_stdin():
    (line, _) = from_stdin(b"input = [3, 8, 8]\nlayers = [{ convv = 4 }]\n")
    assert line.startswith("stdin:2: convv")


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 10**6, b"PK\x03\x04", b"\x80\x04"])
def test_invalid_models_from_stdin(content):
    (line, end) = from_stdin(content)
    assert line.startswith("stdin")
    assert end == ""


def test_an_endless_stdin_ends():
    with Path("/dev/zero").open("rb") as endless:
        done = subprocess.run(
            [sys.executable, "-c", READ], stdin=endless, capture_output=True, check=True, timeout=60
        )
    assert b"not an ONNX model" in done.stdout
