"""The arena: small graphs worked by hand, and networks replayed in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sepcost
from sepcost.cost import branches
from sepcost.cost.arena import IN_PLACE, arena
from sepcost.cost.operators import ROWS
from tests.cost.build import network, node, size, table
from tests.cost.replay import replay
from tests.strangers.models import SHARED, SIZES

#: Bytes of the arena that onnxsim 0.8.1 plans for models in ../shared, where it places all values:
#: ``onnxsim.memory_planning.plan_activation_memory``.
ONNXSIM = {
    "basic_pitch_nmp": 5_388_416, "burn_mnist": 92_928, "deeplab_dm05": 27_040_000,
    "dtln_1": 6_664, "dtln_2": 9_728, "espcn_qonnx_float": 8_192, "espdl_streaming": 12_288,
    "fastestdet": 4_460_544, "fastestdet_ortx": 4_460_544, "gtcrn_simple": 209_544,
    "mnist_cntk_opset7": 41_600, "mnist_cntk_opset8": 41_600, "prisma_seg": 10_485_760,
    "sinet_portrait": 4_915_200, "st_mobilenet_v2_035_128": 1_597_632, "st_yamnet_256": 589_824,
    "superres_pytorch": 25_690_112, "trt_sparse_conv": 4_496,
    "ultraface_slim320_simplified": 3_686_400, "yolox_nano": 6_403_072, "yunet_n_320": 3_276_800,
}  # fmt: skip


def placed(values, nodes, **ends):
    net = network(values, nodes, **ends)
    found = arena(net)
    replay(net, net.layers, found)
    return found


def running(analysis):
    net = analysis.network
    return [layer for layer in net.layers if branches.may_run(layer, net.choices)]


def test_a_chain_of_element_operators_needs_one_buffer():
    values = table(x=(8,), a=(8,), b=(8,), d=(8,))
    nodes = [
        node(values, "Conv", "x", "a"),
        node(values, "Relu", "a", "b"),
        node(values, "Reshape", "b", "d"),
    ]
    found = placed(values, nodes, outputs="d")
    assert [buffer.values for buffer in found.buffers] == [("x",), ("a", "b", "d")]
    assert found.size_bytes == found.least_bytes == 2 * size(8)


def test_a_product_overwrites_one_operand():
    # a·sigmoid(a): two values instead of three
    values = table(x=(8,), a=(8,), s=(8,), y=(8,))
    nodes = [
        node(values, "Conv", "x", "a"),
        node(values, "Sigmoid", "a", "s"),
        node(values, "Mul", "a s", "y"),
    ]
    found = placed(values, nodes, outputs="y")
    assert found.size_bytes == 2 * size(8)
    assert ("a", "y") in [buffer.values for buffer in found.buffers]


def test_what_is_read_later_is_not_overwritten():
    values = table(x=(8,), a=(8,), r=(8,), y=(8,))
    nodes = [
        node(values, "Conv", "x", "a"),
        node(values, "Relu", "a", "r"),
        node(values, "Add", "a r", "y"),
    ]
    found = placed(values, nodes, outputs="y")
    assert ("a", "r") not in [buffer.values for buffer in found.buffers]


def test_inputs_and_outputs_of_the_model_are_not_overwritten():
    values = table(x=(8,), a=(8,), b=(8,))
    nodes = [node(values, "Relu", "x", "a"), node(values, "Neg", "a", "b")]
    found = placed(values, nodes, outputs="a b")
    assert [buffer.values for buffer in found.buffers if len(buffer.values) > 1] == []


def test_a_smaller_operand_is_not_overwritten():
    values = table(x=(1, 8), x2=(4, 8), a=(1, 8), z=(4, 8), y=(4, 8))
    nodes = [
        node(values, "Conv", "x", "a"),
        node(values, "Conv", "x2", "z"),
        node(values, "Add", "a z", "y"),
    ]
    found = placed(values, nodes, outputs="y")
    assert ("z", "y") in [buffer.values for buffer in found.buffers]


def test_a_value_of_another_graph_is_not_overwritten():
    # a body may run again, and reads a then too
    values = table(x=(8,), a=(8,), y=(8,))
    nodes = [node(values, "Conv", "x", "a"), node(values, "Relu", "a", "y", scope="loop")]
    found = placed(values, nodes, outputs="y")
    assert ("a", "y") not in [buffer.values for buffer in found.buffers]


def test_values_of_unknown_size_are_listed():
    values = table(x=(8,), y=None)
    found = placed(values, [node(values, "NonZero", "x", "y")], outputs="y")
    assert (found.size_bytes, found.unplaced) == (size(8), ("y",))


def test_nothing_needs_nothing():
    found = arena(network({}, []))
    assert (found.size_bytes, found.least_bytes, found.buffers) == (0, 0, ())


def test_every_operator_in_place_is_known():
    known = {op_type for _, op_type in ROWS}
    assert set(IN_PLACE) <= known


@st.composite
def chains(draw):
    """Random graphs of operators, some in place, some views, some neither."""
    count = draw(st.integers(1, 12))
    shapes = {"x": (draw(st.integers(1, 9)),)}
    steps = []
    for at in range(count):
        op_type = draw(st.sampled_from(["Relu", "Add", "Where", "Reshape", "Conv", "Mul"]))
        reads = [
            draw(st.sampled_from(list(shapes)))
            for _ in range({"Add": 2, "Mul": 2, "Where": 3}.get(op_type, 1))
        ]
        largest = max(shapes[name] for name in reads)
        shapes[f"v{at}"] = (draw(st.integers(1, 9)),) if op_type == "Conv" else largest
        steps.append((op_type, " ".join(reads), f"v{at}"))
    values = table(**shapes)
    outputs = draw(st.lists(st.sampled_from(list(shapes)[1:]), min_size=1, unique=True))
    nodes = [node(values, *step) for step in steps]
    return network(values, nodes, outputs=" ".join(outputs))


@given(chains())
def test_no_layer_overwrites_what_is_still_read(net):
    found = arena(net)
    replay(net, net.layers, found)
    assert found.least_bytes <= found.size_bytes
    assert found.size_bytes == max(buffer.offset + buffer.size for buffer in found.buffers)


@given(chains())
def test_buffers_that_live_together_do_not_overlap(net):
    buffers = arena(net).buffers
    for at, one in enumerate(buffers):
        for other in buffers[at + 1 :]:
            together = one.first <= other.last and other.first <= one.last
            apart = one.offset + one.size <= other.offset or other.offset + other.size <= one.offset
            assert apart or not together


@pytest.mark.parametrize("name", [network.name for network in sepcost.networks()])
def test_shipped_networks_run_in_their_arena(name):
    analysis = sepcost.analyze(name)
    replay(analysis.network, running(analysis), analysis.arena)
    assert analysis.arena.size_bytes <= analysis.totals.peak_activation_bytes


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared models next to the repository")
@pytest.mark.parametrize("path", sorted(SHARED.glob("*.onnx")), ids=lambda path: path.stem)
def test_models_of_many_exporters_run_in_their_arena(path):
    analysis = sepcost.analyze(path, **SIZES.get(path.stem, {}))
    found = analysis.arena
    replay(analysis.network, running(analysis), found)
    if path.stem in ONNXSIM:
        assert found.size_bytes <= 1.05 * ONNXSIM[path.stem]
