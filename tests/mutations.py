"""Damaged models: real ones with changed bytes, fields, names, attributes or connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import onnx
from google.protobuf.message import Message
from hypothesis import strategies as st

from tests import onnx_cases

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
SHARED = Path(__file__).parents[2] / "shared" / "models"
REAL = ("trt_qdq_conv", "mnist_cntk_opset8", "espdl_streaming", "superres_with_pre_post")

INTEGERS = (0, 1, 2, 3, 7, 100, 65536, -1, -5, 2**31, 2**32, 2**40, 2**62, 2**63 - 1, -(2**63))
FLOATS = (0.0, -1.0, 0.5, 1e30, float("inf"), float("nan"))
TEXTS = ("", "x", "\x1b[31m", "[bold]", "=1+1", "\u202e", "..", "/", "\0", "long" * 9999)
BYTES = (b"", b"\0" * 8, b"SAME_UPPER", b"VALID", b"ij,jk->ik", b"\xff\xfe\x80")
DOMAINS = ("", "ai.onnx", "com.microsoft", "ai.onnx.ml", "x")


@cache
def originals() -> tuple[bytes, ...]:
    """Small models with many operators, and a few complete networks."""
    paths = [
        *sorted(DATA.glob("simple/*/model.onnx")),
        *sorted(DATA.glob("pytorch-*/*/model.onnx"))[::3],
        *(path for name in REAL if (path := SHARED / f"{name}.onnx").exists()),
    ]
    cases = list(onnx_cases.collect())
    return (
        *(case.model.SerializeToString() for case in cases[::3]),
        *(path.read_bytes() for path in paths),
    )


@cache
def op_types() -> tuple[str, ...]:
    """Every operator that ONNX knows."""
    return tuple(sorted({schema.name for schema in onnx.defs.get_all_schemas()}))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a model and change it in one to four places."""
    data = draw(st.sampled_from(originals()))
    random = draw(st.randoms(use_true_random=False))
    if draw(st.integers(0, 3)) == 0:
        return _bytes(data, random)
    model = onnx.ModelProto.FromString(data)
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4)):
        change(model, random)
    return bytes(model.SerializeToString())


def _bytes(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        at = random.randrange(len(changed) + 1)
        match random.randrange(3):
            case 0:
                changed[at : at + 1] = random.randbytes(1)
            case 1:
                del changed[at : at + random.randrange(1, 20)]
            case 2:
                changed[at:at] = random.randbytes(random.randrange(1, 10))
    return bytes(changed) or b"\0"


def _field(model: onnx.ModelProto, random: Random) -> None:
    """Change the value of any field, from a dimension to an opset."""
    message = random.choice(list(_messages(model)))
    fields = [field for field in message.DESCRIPTOR.fields if field.message_type is None]
    present = [field for field, _ in message.ListFields() if field.message_type is None]
    if not fields:
        return
    field = random.choice(present if present and random.random() < 0.8 else fields)
    value = _value(field, model, random)
    if not field.is_repeated:
        setattr(message, field.name, value)
        return
    values = getattr(message, field.name)
    if not values or random.random() < 0.3:
        values.append(value)
    else:
        values[random.randrange(len(values))] = value


def _messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                yield from _messages(inner)


def _value(field: Any, model: onnx.ModelProto, random: Random) -> Any:
    if field.name == "op_type":
        return random.choice(op_types())
    if field.name == "domain":
        return random.choice(DOMAINS)
    if field.cpp_type == field.CPPTYPE_STRING:
        if field.type == field.TYPE_BYTES:
            return random.choice(BYTES)
        return random.choice((*TEXTS, *_names(model)))
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return random.choice(FLOATS)
    if field.cpp_type == field.CPPTYPE_ENUM:
        return random.choice(list(field.enum_type.values_by_number))
    bits = 32 if field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32) else 64
    signed = field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64)
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    return random.choice([number for number in INTEGERS if least <= number < most])


def _names(model: onnx.ModelProto) -> Sequence[str]:
    return [name for node in model.graph.node for name in (*node.input, *node.output)] or ["x"]


def _attribute(model: onnx.ModelProto, random: Random) -> None:
    """Add an attribute that the operator knows, or change the numbers in one."""
    if not model.graph.node:
        return
    node = random.choice(model.graph.node)
    known = [s for s in onnx.defs.get_all_schemas() if s.name == node.op_type and s.attributes]
    if not known or (node.attribute and random.random() < 0.6):
        attributes = list(node.attribute) or [node.attribute.add(name="axis", type=2)]
        attribute = random.choice(attributes)
    else:
        name, schema = random.choice(sorted(known[0].attributes.items()))
        number = schema.type.value  # type: ignore[attr-defined]  # an enum that ONNX types as none
        attribute = node.attribute.add(name=name, type=number)
    attribute.i = random.choice(INTEGERS)
    attribute.s = random.choice(BYTES)
    del attribute.ints[:], attribute.floats[:]
    attribute.ints.extend(random.choice(INTEGERS) for _ in range(random.randrange(5)))
    attribute.floats.extend(random.choice(FLOATS) for _ in range(random.randrange(5)))


def _constant(model: onnx.ModelProto, random: Random) -> None:
    """Turn an input into an initializer with unusual numbers."""
    graph = model.graph
    integers = [v for v in graph.input if v.type.tensor_type.elem_type == onnx.TensorProto.INT64]
    if not integers:
        return
    value = random.choice(integers)
    sizes = [min(max(dim.dim_value, 0), 3) for dim in value.type.tensor_type.shape.dim]
    count = 1
    for size in sizes:
        count *= size
    numbers = [random.choice(INTEGERS) for _ in range(count)]
    graph.initializer.append(onnx.helper.make_tensor(value.name, 7, sizes, numbers))
    graph.input.remove(value)


def _wire(model: onnx.ModelProto, random: Random) -> None:
    """Drop, repeat, rewire or reorder nodes; drop a weight."""
    graph = model.graph
    if not graph.node:
        return
    node = random.choice(graph.node)
    match random.randrange(8):
        case 0:
            graph.node.remove(node)
        case 1:
            graph.node.add().CopyFrom(node)
        case 2:
            shuffled = [onnx.NodeProto.FromString(n.SerializeToString()) for n in graph.node]
            random.shuffle(shuffled)
            del graph.node[:]
            graph.node.extend(shuffled)
        case 3 if graph.initializer:
            del graph.initializer[random.randrange(len(graph.initializer))]
        case 4 if node.input:
            node.input[random.randrange(len(node.input))] = random.choice((*_names(model), ""))
        case 5:
            node.output.append(random.choice((*_names(model), "another")))
        case 6 if node.input:
            node.input.pop()
        case 7 if node.output:
            node.output.pop()


CHANGES: Sequence[Callable[[onnx.ModelProto, Random], None]] = (
    _field, _field, _field, _attribute, _attribute, _constant, _wire,
)  # fmt: skip
