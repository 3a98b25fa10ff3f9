"""Packed weights count by their elements, and their scales do not count."""

import re

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.capi import onnxruntime_pybind11_state as state

from sepcost.cost.count import count
from sepcost.model.provenance import controls
from tests.model.build import model, network

F, U8 = np.float32, np.uint8


def costs(op_type, inputs, outputs=1, **attributes):
    """Count one node of com.microsoft: the first input is fed, None is left out, others stored."""
    names = [f"w{k}" if each is not None else "" for k, each in enumerate(inputs)]
    results = [f"y{k}" for k in range(outputs)]
    node = helper.make_node(op_type, names, results, domain="com.microsoft", **attributes)
    proto = model("g (float[1] x) => (y) { y = Identity (x) }")
    del proto.graph.node[:], proto.graph.input[:], proto.graph.output[:]
    proto.graph.node.append(node)
    proto.graph.output.add(name="y0")
    fed = 1 if op_type.startswith("Gather") else 0
    for position, array in enumerate(inputs):
        if array is None:
            continue
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        if position == fed:
            proto.graph.input.append(
                helper.make_tensor_value_info(names[position], kind, array.shape)
            )
        else:
            proto.graph.initializer.append(numpy_helper.from_array(array, names[position]))
    totals = count(network(proto), "m").totals
    return totals.macs, totals.params, totals.weight_bytes


def f(*shape):
    return np.zeros(shape, F)


def u8(*shape):
    return np.zeros(shape, U8)


# inputs, attributes, MACs, params, bytes of what counts as params
CASES = {
    "MatMulNBits": ([f(7, 64), u8(32, 2, 16), f(64), u8(32), None, f(32)],
                    {"K": 64, "N": 32, "bits": 4, "block_size": 32},
                    7 * 64 * 32, 64 * 32 + 32, 1024 + 128),
    "MatMulNBits of 2 bits": ([f(7, 64), u8(32, 2, 8), f(64)],
                              {"K": 64, "N": 32, "bits": 2, "block_size": 32},
                              7 * 64 * 32, 64 * 32, 512),
    # 40 of K fill two blocks of 32 in part
    "MatMulNBits with a last block": ([f(7, 40), u8(32, 2, 16), f(64)],
                                      {"K": 40, "N": 32, "bits": 4, "block_size": 32},
                                      7 * 40 * 32, 40 * 32, 1024),
    "MatMulNBits left empty": ([f(7, 64), u8(32, 0, 16), f(0)],
                               {"K": 64, "N": 32, "bits": 4, "block_size": 32}, 0, 0, 0),
    "MatMulBnb4": ([f(7, 64), u8(320), f(10)],
                   {"K": 64, "N": 10, "block_size": 64, "quant_type": 1}, 4480, 640, 320),
    "MatMulBnb4 not transposed": ([f(7, 10), u8(320), f(10)],
                                  {"K": 64, "N": 10, "block_size": 64, "quant_type": 1,
                                   "transB": 0}, 4480, 640, 320),
    "MatMulFpQ4": ([f(7, 64), u8(400), np.array([64, 10])], {}, 4480, 640, 400),
    "GatherBlockQuantized": ([u8(100, 16), np.zeros(3, np.int64), f(100, 2), u8(100, 1)],
                             {"bits": 4, "block_size": 16}, 0, 3200, 1600),
    "GatherBlockQuantized of 8 bits": ([u8(100, 32), np.zeros(3, np.int64), f(100, 2)],
                                       {"bits": 8, "block_size": 16}, 0, 3200, 3200),
    "QMoE": ([f(6, 64), f(6, 4), u8(4, 32, 32), f(4, 32), f(4, 32), u8(4, 64, 16), f(4, 64)],
             {"k": 2}, 49152, 4 * (2 * 2048 + 32) + 24, 8192 + 4 * 128 + 96),
    "MatMulNBitsMlp": ([f(7, 64), None, None, u8(32, 2, 16), f(64), None, u8(32, 2, 16), f(64)],
                       {"K": 64, "N": 32, "block_size": 32}, 2 * 14336, 2 * 2048, 2048),
    "MatMulNBitsQkv": ([f(7, 64), None, f(64), u8(32, 2, 16), f(64), None, u8(8, 2, 16), f(16),
                        None, u8(8, 2, 16), f(16)],
                       {"K": 64, "Nq": 32, "Nkv": 8, "block_size": 32},
                       7 * 64 * 48, 64 * 48 + 64, 1536 + 256),
    "MatMulNBitsQLoRA": ([f(7, 64), u8(32, 2, 16), f(64), u8(4, 2, 32), f(4, 2), u8(32, 1, 32),
                          f(32)],
                         {"K": 64, "N": 32}, 7 * (2048 + 256 + 128), 2048 + 256 + 128,
                         1024 + 256 + 1024),
    "MatMulBlockQuantizedFp4Weight": ([f(7, 64), u8(10, 32), u8(10, 4), f()], {}, 4480, 640, 320),
    "MatMulPacked": ([f(7, 64), u8(10, 36), f()], {"K": 64, "N": 10, "packed_type": 2},
                     4480, 640, 360),
    "MoEPacked": ([f(6, 64), f(6, 4), u8(4, 32, 36), u8(4, 32, 36), u8(4, 64, 18)],
                  {"k": 2, "gate_type": 2, "down_type": 2}, 12 * 3 * 2048, 4 * 3 * 2048 + 24,
                  3 * 4608 + 96),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_params_are_elements_and_bytes_are_bytes(case):
    inputs, attributes, *expected = CASES[case]
    outputs = 3 if "Qkv" in case else 1
    assert costs(case.split()[0], inputs, outputs, **attributes) == tuple(expected)


def test_types_of_4_bits_are_not_packed():
    text = """g (int64[3] x) => (y) <float[100, 2] s> {
        y = com.microsoft.GatherBlockQuantized <block_size = 16> (w, x, s)
    }"""
    proto = model(text)
    proto.graph.initializer.add(name="w", data_type=TensorProto.UINT4, dims=[100, 32])
    found = network(proto)
    assert found.values["y"].shape == (3, 32)
    assert count(found, "m").totals.params == 3200


def test_a_table_that_two_operators_share_counts_once():
    text = """g (int64[3] x, float[7, 64] z) => (a, b)
        <uint8[100, 2, 16] w, float[200] s, float[100, 2] t, int64[2] flat = {100, 32}> {
        v = Reshape (w, flat)
        a = com.microsoft.GatherBlockQuantized <bits = 4, block_size = 32> (v, x, t)
        b = com.microsoft.MatMulNBits <K = 64, N = 100, bits = 4, block_size = 32> (z, w, s)
    }"""
    assert count(network(text), "m").totals.params == 6400


@pytest.mark.parametrize("shape", ["uint8[10]", "uint8[10, 2, 16]"])
def test_a_malformed_pack_counts_what_it_stores(shape):
    text = f"""g (float[1, 64] x) => (y) <{shape} w, float[20] s> {{
        y = com.microsoft.MatMulNBitsQLoRA <N = 10, K = 64> (x, w, s)
    }}"""
    assert network(text).parameters["w"].logical is None


#: What is called a scale and is learned: it weighs a normalisation, or the step of a recurrence.
LEARNED = {
    ("BranchwiseRMSNorm", 1), ("GatedRMSNorm", 1), ("LinearAttentionGate", 2),
    ("MatMulNBitsMlp", 2), ("MatMulNBitsQkv", 2), ("QOrderedLayerNormalization", 2),
    ("RMSNormRotary", 1), ("ScaledSiLU", 1), ("EngramGate", 3), ("EngramGate", 4),
    ("EngramGate", 5), ("HyperConnectionLowRankMix", 1), ("BatchNormalization", 1),
    ("InstanceNormalization", 1),
}  # fmt: skip

SCALE = re.compile(r"scale|zero_?point|absmax", re.IGNORECASE)


def scales():
    for schema in state.get_all_operator_schema():
        if schema.domain in ("com.microsoft", "com.ms.internal.nhwc"):
            for position, value in enumerate(schema.inputs):
                if SCALE.search(value.name) and (schema.name, position) not in LEARNED:
                    yield schema.domain, schema.name, position


@pytest.mark.parametrize(("domain", "op_type", "position"), sorted(set(scales())))
def test_scales_and_zero_points_of_quantisation_are_controls(domain, op_type, position):
    assert controls((domain, op_type), position)


DYNAMIC = """g (float[2, 3, 8, 8] x) => (y)
    <uint8[4, 3, 3, 3] w, uint8 zero = {0}, float[1, 4, 1, 1] scale, float[4] bias,
     int64[4] wide = {1, 4, 1, 1}, float[4] gamma> {
    q, s, z = DynamicQuantizeLinear (x)
    c = ConvInteger (q, w, z, zero)
    f = Cast <to = 1> (c)
    both = Mul (s, scale)
    p = Mul (f, both)
    b = Reshape (bias, wide)
    r = Add (p, b)
    t = Transpose <perm = [0, 2, 3, 1]> (r)
    y = Mul (t, gamma)
}"""


def test_the_scale_of_a_dynamically_quantised_weight_is_not_a_parameter():
    assert set(network(DYNAMIC).parameters) == {"w", "bias", "gamma"}


def test_nor_is_a_scale_that_multiplies_the_sum_of_products():
    text = """g (uint8[2, 8] x) => (y)
        <uint8[8, 4] w, float[4] scale, uint8 zero = {0}, float[4] gamma> {
        c = MatMulInteger (x, w, zero, zero)
        f = Cast <to = 1> (c)
        p = Mul (f, scale)
        y = Mul (p, gamma)
    }"""
    assert set(network(text).parameters) == {"w", "gamma"}
