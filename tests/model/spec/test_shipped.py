"""The shipped networks have the costs that papers print and other tools count.

Counted here by hand from the shapes that ONNX infers: MACs of Conv and Gemm are
``prod(output shape) * prod(weight shape[1:])``.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import onnx
import pytest
from onnx import shape_inference

from sepcost.errors import SpecError
from sepcost.model.spec import build
from sepcost.model.spec.shipped import find, is_shipped, networks

NAMES = [network.name for network in networks()]


@dataclass(frozen=True)
class Row:
    """One Conv or Gemm."""

    weight: tuple[int, ...]
    input: tuple[int, ...]
    output: tuple[int, ...]
    stride: int
    group: int

    @property
    def macs(self) -> int:
        return prod(self.output) * prod(self.weight[1:])

    @property
    def kind(self) -> str:
        if len(self.weight) == 2:
            return "fc"
        if self.group > 1:
            return "depthwise"
        return "1x1" if self.weight[2:] == (1, 1) else "3x3"


def rows(proto: onnx.ModelProto) -> Iterator[Row]:
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    graph = shape_inference.infer_shapes(proto, check_type=True, strict_mode=True).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in [*graph.input, *graph.value_info, *graph.output]:
        dims = value.type.tensor_type.shape.dim
        shapes[value.name] = tuple(dim.dim_value for dim in dims)
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm"):
            found = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            yield Row(
                weight=shapes[node.input[1]],
                input=shapes[node.input[0]],
                output=shapes[node.output[0]],
                stride=found.get("strides", [1])[0],
                group=found.get("group", 1),
            )


def counted(name: str, **multipliers: float) -> tuple[int, int]:
    """MACs, and weights without biases and batch norms, as in the MobileNet papers."""
    found = list(rows(build(find(name), weights=False, **multipliers)))  # type: ignore[arg-type]
    return sum(row.macs for row in found), sum(prod(row.weight) for row in found)


def parameters(name: str, *, statistics: bool) -> int:
    """All params, with or without the running mean and variance of batch norms."""
    tensors = build(find(name), weights=False).graph.initializer
    running = (".mean", ".var")
    return sum(
        prod(tensor.dims)
        for tensor in tensors
        if tensor.dims and (statistics or not tensor.name.endswith(running))
    )


@pytest.mark.parametrize(
    ("name", "macs", "weights"),
    [
        ("mobilenet-v1-full-conv", 4_867_293_184, 29_281_120),
        ("mobilenet-v1", 568_740_352, 4_209_088),
        ("mobilenet-v1-shallow", 307_323_392, 2_875_328),
        ("mobilenet-v2", 300_774_272, 3_469_760),
    ],
)
def test_macs_and_weights_are_those_of_the_papers(name: str, macs: int, weights: int) -> None:
    assert counted(name) == (macs, weights)


@pytest.mark.parametrize(
    ("alpha", "millions", "printed", "weights"),
    [(0.75, 325.400, 325, 2_568_144), (0.5, 149.497, 149, 1_319_648), (0.25, 41.030, 41, 463_600)],
)
def test_alpha_makes_the_widths_of_table_6(
    alpha: float, millions: float, printed: int, weights: int
) -> None:
    macs, found = counted("mobilenet-v1", alpha=alpha)
    assert (round(macs / 1e6, 3), int(macs / 1e6), found) == (millions, printed, weights)


@pytest.mark.parametrize(
    ("rho", "side", "millions"),
    [
        (0.857, 192, 418.122),
        (192 / 224, 192, 418.122),
        (0.714, 160, 290.675),
        (0.571, 128, 186.401),
    ],
)
def test_rho_makes_the_resolutions_of_table_7(rho: float, side: int, millions: float) -> None:
    proto = build(find("mobilenet-v1"), rho=rho, weights=False)
    dims = proto.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_value for dim in dims][1:] == [3, side, side]
    assert round(sum(row.macs for row in rows(proto)) / 1e6, 3) == millions


@pytest.mark.parametrize(
    ("alpha", "macs", "weights"),
    [(1.4, 582, 6.06), (1.3, 509, 5.34), (0.75, 209, 2.61), (0.5, 97, 1.95), (0.35, 59, 1.66)],
)
def test_mobilenet_v2_is_as_wide_as_its_authors_published_it(
    alpha: float, macs: int, weights: float
) -> None:
    """In millions, from the checkpoint table of tensorflow/models, research/slim."""
    found = counted("mobilenet-v2", alpha=alpha)
    assert (round(found[0] / 1e6), round(found[1] / 1e6, 2)) == (macs, weights)


@pytest.mark.parametrize(
    ("name", "macs", "params"),
    [
        ("vgg16", 15_470_264_320, 138_357_544),
        ("resnet-18", 1_814_073_344, 11_689_512),
        ("resnet-50", 4_089_184_256, 25_557_032),
        ("squeezenet-1.1", 349_151_936, 1_235_496),
        ("mobilenet-v2", 300_774_272, 3_504_872),
    ],
)
def test_macs_and_learnt_parameters_are_those_of_torchvision(
    name: str, macs: int, params: int
) -> None:
    assert counted(name)[0] == macs
    assert parameters(name, statistics=False) == params


def test_batch_norms_carry_four_vectors() -> None:
    assert parameters("resnet-50", statistics=True) == 25_610_152  # as in the onnx wheel


def test_the_small_cnn_by_hand() -> None:
    macs = 32 * 27 * 32**2 + 64 * 288 * 16**2 + 128 * 576 * 8**2 + 2048 * 128 + 128 * 10
    assert counted("small-cnn")[0] == macs


def test_the_rows_of_table_1() -> None:
    """Type and stride, filter shape and input size, as printed except the last depthwise stride."""
    separable = [
        (1, 32, 64, 112), (2, 64, 128, 112), (1, 128, 128, 56), (2, 128, 256, 56),
        (1, 256, 256, 28), (2, 256, 512, 28), *[(1, 512, 512, 14)] * 5,
        (2, 512, 1024, 14), (1, 1024, 1024, 7),
    ]  # fmt: skip
    table: list[tuple[str, int, tuple[int, ...], tuple[int, ...]]]
    table = [("3x3", 2, (32, 3, 3, 3), (1, 3, 224, 224))]
    for stride, channels, filters, side in separable:
        inner = side // stride
        table += [
            ("depthwise", stride, (channels, 1, 3, 3), (1, channels, side, side)),
            ("1x1", 1, (filters, channels, 1, 1), (1, channels, inner, inner)),
        ]
    table.append(("fc", 1, (1000, 1024), (1, 1024)))
    found = rows(build(find("mobilenet-v1"), weights=False))
    assert [(row.kind, row.stride, row.weight, row.input) for row in found] == table


def test_the_shares_of_table_2() -> None:
    """The paper prints 1.19 % of MACs for the 3x3 convolution, with two digits swapped."""
    found = list(rows(build(find("mobilenet-v1"), weights=False)))
    macs = dict.fromkeys(("1x1", "depthwise", "3x3", "fc"), 0)
    weights = dict(macs)
    for row in found:
        macs[row.kind] += row.macs
        weights[row.kind] += prod(row.weight)
    shares = {kind: round(100 * n / sum(macs.values()), 2) for kind, n in macs.items()}
    assert shares == {"1x1": 94.86, "depthwise": 3.06, "3x3": 1.91, "fc": 0.18}
    shares = {kind: round(100 * n / sum(weights.values()), 2) for kind, n in weights.items()}
    assert shares == {"1x1": 74.59, "depthwise": 1.06, "3x3": 0.02, "fc": 24.33}


@pytest.mark.parametrize(
    ("kind", "alpha", "rho", "macs", "weights"),
    [
        ("conv", 1, 1, 462_422_016, 2_359_296),
        ("separable_conv", 1, 1, 52_283_392, 266_752),
        ("separable_conv", 0.75, 1, 29_578_752, 150_912),
        ("separable_conv", 0.75, 0.714, 15_091_200, 150_912),
    ],
)
def test_the_layer_of_table_3(kind: str, alpha: float, rho: float, macs: int, weights: int) -> None:
    """A layer in the middle of a network, so that the multiplier narrows its input too."""
    text = f"input = [3, 14, 14]\nlayers = [{{ pointwise_conv = 512 }}, {{ {kind} = 512 }}]\n"
    _, *found = rows(build(text, alpha=alpha, rho=rho, weights=False))
    assert sum(row.macs for row in found) == macs
    assert sum(prod(row.weight) for row in found) == weights


def test_the_full_convolution_and_the_separable_network_differ_in_nothing_else() -> None:
    """Table 4 compares networks whose layers have the same inputs, outputs and strides."""
    full = [row.output for row in rows(build(find("mobilenet-v1-full-conv"), weights=False))]
    separable = rows(build(find("mobilenet-v1"), weights=False))
    assert full == [row.output for row in separable if row.kind != "depthwise"]


@pytest.mark.parametrize("name", NAMES)
def test_every_network_has_a_description(name: str) -> None:
    (info,) = (network for network in networks() if network.name == name)
    proto = build(info.path, weights=False)
    assert proto.graph.name == name
    assert 20 < len(info.description) <= 90
    assert proto.graph.doc_string == info.description
    assert info.path == find(name)
    if name != "small-cnn":
        assert "arXiv:" in info.path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["ResNet50", "resnet_50", "RESNET-50", "resnet 50"])
def test_a_network_is_found_however_its_name_is_spelt(name: str) -> None:
    assert is_shipped(name)
    assert find(name).stem == "resnet-50"


def test_an_unknown_network_gets_the_nearest_name() -> None:
    assert not is_shipped("vgg61")
    with pytest.raises(SpecError, match="did you mean 'vgg16'"):
        find("vgg61")
    with pytest.raises(SpecError, match="choose from mobilenet-v1"):
        find("?")


def test_listing_networks_imports_no_onnx() -> None:
    code = (
        "import sys; from sepcost.model.spec import find, networks; networks(); find('vgg16');"
        "sys.exit(bool({'onnx', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
