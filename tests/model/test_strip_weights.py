"""Stripping: all of a model except its weights, which stay in the file."""

import os

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from sepcost.errors import ModelError
from sepcost.model import strip_weights as stripping
from sepcost.model.strip_weights import INLINE_BYTES, strip

LARGE = INLINE_BYTES // 4 + 1  # floats that stay on disk


def tensors(proto):
    """Yield every tensor of a model."""
    if isinstance(proto, TensorProto):
        yield proto
        return
    for field, value in proto.ListFields():
        if field.message_type is not None:
            for item in value if field.is_repeated else [value]:
                yield from tensors(item)


def read_back(path, proto):
    """Put the referenced bytes back into the model."""
    content = path.read_bytes()
    for tensor in tensors(proto):
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if tensor.data_location == TensorProto.EXTERNAL and entries["location"] == path.name:
            start = int(entries["offset"])
            tensor.raw_data = content[start : start + int(entries["length"])]
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
    return proto


def stripped(path, proto):
    path.write_bytes(proto.SerializeToString())
    found = strip(path, "m.onnx")
    return found, onnx.ModelProto.FromString(found.data)


def floats(name, count, raw=True):
    values = np.arange(count, dtype=np.float32)
    return helper.make_tensor(
        name, 1, [count], values.tobytes() if raw else values.tolist(), raw=raw
    )


def model(initializers=(), nodes=(), functions=()):
    graph = helper.make_graph(list(nodes), "g", [], [], list(initializers))
    return helper.make_model(graph, functions=list(functions))


def nested(tensor):
    """A Constant in a branch of an If within a function."""
    constant = helper.make_node("Constant", [], ["c"], value=tensor)
    branch = helper.make_graph([constant], "b", [], [])
    choice = helper.make_node("If", ["x"], ["y"], then_branch=branch)
    opset = [helper.make_opsetid("", 17)]
    return model(functions=[helper.make_function("local", "f", ["x"], ["y"], [choice], opset)])


def sparse(tensor):
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    proto = model()
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(tensor, indices, [10**6]))
    return proto


# places of a tensor
PLACES = {
    "initializer": lambda tensor: model([tensor]),
    "attribute": lambda tensor: model(nodes=[helper.make_node("C", [], ["c"], value=tensor)]),
    "list": lambda tensor: model(nodes=[helper.make_node("C", [], ["c"], values=[tensor])]),
    "subgraph of a function": nested,
    "sparse": sparse,
}


@pytest.mark.parametrize("place", PLACES)
def test_weights_stay_on_disk_wherever_they_occur(tmp_path, place):
    proto = PLACES[place](floats("w", 10_000))
    path = tmp_path / "m.onnx"
    found, light = stripped(path, proto)
    assert found.complete
    assert len(found.data) < 1000
    assert read_back(path, light) == proto


@given(
    sizes=st.lists(st.integers(0, 3 * LARGE), max_size=5),
    places=st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=1),
    documentation=st.text(max_size=20),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_reading_the_references_gives_the_model_back(tmp_path, sizes, places, documentation):
    proto = PLACES[places[0]](floats("w", 2 * LARGE))
    proto.graph.initializer.extend(floats(f"t{k}", size) for k, size in enumerate(sizes))
    proto.graph.doc_string = documentation
    path = tmp_path / "m.onnx"
    found, light = stripped(path, proto)
    assert found.complete
    assert read_back(path, light) == proto


def test_small_tensors_stay_in_the_message(tmp_path):
    proto = model([floats("shape", 4), floats("w", LARGE)])
    _, light = stripped(tmp_path / "m.onnx", proto)
    assert light.graph.initializer[0] == proto.graph.initializer[0]
    assert light.graph.initializer[1].data_location == TensorProto.EXTERNAL


def test_packed_floats_lie_in_the_file_as_raw_data_would(tmp_path):
    proto = model([floats("w", LARGE, raw=False)])
    path = tmp_path / "m.onnx"
    found, light = stripped(path, proto)
    assert found.complete
    (tensor,) = read_back(path, light).graph.initializer
    assert numpy_helper.to_array(tensor).tolist() == list(range(LARGE))


def test_unpacked_floats_are_copied(tmp_path):
    plain = model([TensorProto(name="w", data_type=1, dims=[LARGE])])
    element = bytes((4 << 3 | 5, 0, 0, 128, 63))  # float_data, fixed32, 1.0
    body = plain.graph.initializer[0].SerializeToString() + element * LARGE
    graph = stripping.tagged(5, body)
    path = tmp_path / "m.onnx"
    path.write_bytes(stripping.tagged(7, graph))
    found = strip(path, "m.onnx")
    (tensor,) = onnx.ModelProto.FromString(found.data).graph.initializer
    assert numpy_helper.to_array(tensor).tolist() == [1.0] * LARGE


@pytest.mark.parametrize(
    ("data_type", "value"),
    [(TensorProto.INT64, 2**40), (TensorProto.INT32, 7), (TensorProto.UINT64, 3)],
)
def test_large_varints_are_dropped_and_reported(tmp_path, data_type, value):
    proto = model([helper.make_tensor("w", data_type, [5000], [value] * 5000)])
    found, light = stripped(tmp_path / "m.onnx", proto)
    assert not found.complete
    assert len(found.data) < 1000
    assert list(light.graph.initializer[0].dims) == [5000]


def test_a_second_payload_is_dropped_and_reported(tmp_path):
    tensor = floats("w", LARGE)
    tensor.double_data.extend([1.0] * LARGE)
    found, light = stripped(tmp_path / "m.onnx", model([tensor]))
    assert not found.complete
    assert len(found.data) < 1000
    assert light.graph.initializer[0].dims == [LARGE]


def test_every_truncation_is_refused_or_copied(tmp_path):
    whole = nested(floats("w", LARGE)).SerializeToString()
    path = tmp_path / "m.onnx"
    refused = 0
    for end in [*range(1, 200), *range(200, len(whole), 97)]:
        path.write_bytes(whole[:end])
        try:
            strip(path, "m.onnx")
        except ModelError:
            refused += 1
    assert refused > 100


@given(content=st.binary(min_size=1, max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused_or_copied(tmp_path, content):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    try:
        copied = strip(path, "m.onnx").data
    except ModelError:
        return
    assert copied == content


# a group, field number 0, an endless varint, a length beyond the file
@pytest.mark.parametrize("content", [b"\x0b", b"\0\0", b"\xff" * 20, b"\x3a\xff\x01x"])
def test_invalid_fields_are_refused(tmp_path, content):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not an ONNX model"):
        strip(path, "m.onnx")


def test_graphs_that_nest_without_end_are_refused(tmp_path):
    body = b"\0" * (INLINE_BYTES + 1)
    for _ in range(60):  # graph > node > attribute > graph
        body = stripping.tagged(1, stripping.tagged(5, stripping.tagged(6, body)))
    path = tmp_path / "m.onnx"
    path.write_bytes(stripping.tagged(7, body))
    with pytest.raises(ModelError, match=r"^m\.onnx: .*nest deeper"):
        strip(path, "m.onnx")


def test_a_flood_of_fields_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(stripping, "MAX_FIELDS", 1000)
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x01" * 1001)
    with pytest.raises(ModelError, match="more than 1,000 fields"):
        strip(path, "m.onnx")


def test_a_large_file_without_weights_is_not_read_into_memory(tmp_path):
    path = tmp_path / "m.onnx"
    size = 2**33
    with path.open("wb") as file:  # one sparse field of 8 GB
        file.write(b"\x32" + stripping.encoded(size))
        file.truncate(file.tell() + size)
    with pytest.raises(ModelError, match="besides its weights"):
        strip(path, "m.onnx")


@pytest.mark.parametrize("change", [lambda p: os.truncate(p, 2000), lambda p: p.write_bytes(b"")])
def test_a_file_truncated_while_it_is_read_kills_no_process(tmp_path, monkeypatch, change):
    """A truncated memory map would kill the process on access."""
    path = tmp_path / "m.onnx"
    path.write_bytes(model([floats("w", LARGE), floats("v", 10 * LARGE)]).SerializeToString())
    message = stripping._message

    def late(*arguments):
        change(path)
        return message(*arguments)

    monkeypatch.setattr(stripping, "_message", late)
    with pytest.raises(ModelError, match=r"m\.onnx: changed while it was read"):
        strip(path, "m.onnx")


def test_a_file_that_is_written_meanwhile_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "m.onnx"
    path.write_bytes(model([floats("w", LARGE)]).SerializeToString())
    tensor = stripping._tensor

    def meanwhile(*arguments):
        with path.open("ab") as file:
            file.write(b"more")
        return tensor(*arguments)

    monkeypatch.setattr(stripping, "_tensor", meanwhile)
    with pytest.raises(ModelError, match="changed while it was read"):
        strip(path, "m.onnx")
