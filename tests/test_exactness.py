"""Totals and rows against published figures, ONNX Runtime's own shapes, and each other."""

import re

import numpy as np
import onnx
import onnx.parser
import pytest

from sepcost.cost.groups import groups
from sepcost.model.load import load
from sepcost.model.spec import networks
from sepcost.routes.analyze import analyze
from tests import onnx_cases, profiled
from tests.strangers import models

STORED = list(models.stored())
REAL = {one.name: one for one in (*models.light(), *models.shared())}

#: Counted by hand from the papers' architectures; params include all batch-norm statistics.
LIGHT = {
    "bvlc_alexnet": (654_560_384, 60_965_224),
    "densenet121": (2_834_161_664, 8_146_152),
    "inception_v1": (1_431_556_352, 6_998_552),
    "inception_v2": (2_018_851_840, 11_234_792),
    "resnet50": (4_089_184_256, 25_610_152),
    "shufflenet": (124_664_528, 1_420_152),
    "squeezenet": (349_151_936, 1_235_496),
    "vgg19": (19_632_062_464, 143_667_240),
    "zfnet512": (1_481_727_008, 87_250_536),
}


@pytest.mark.parametrize("name", LIGHT)
def test_the_light_models_to_the_unit(name, tmp_path):
    found = analyze(REAL[name].write(tmp_path))
    assert (found.totals.macs, found.totals.params) == LIGHT[name]
    assert found.coverage.complete


@pytest.mark.parametrize("name", REAL)
def test_real_models_as_onnx_runtime_runs_them(name, tmp_path):
    path = REAL[name].write(tmp_path)
    found = analyze(path, **REAL[name].sizes)
    feeds = profiled.random_feeds(found.network)
    if "sr" in feeds:
        feeds["sr"][...] = 16000  # silero requires it and accepts no other rate
    assert profiled.agree(found, profiled.profile(onnx.load(path), feeds, tmp_path))


@pytest.mark.parametrize("stranger", STORED, ids=lambda stranger: stranger.name)
def test_onnx_own_models_as_onnx_runtime_runs_them(stranger, tmp_path):
    path, feeds = stranger.write(tmp_path), stranger.feeds()
    shapes = {name: feed.shape for name, feed in feeds.items() if isinstance(feed, np.ndarray)}
    if any(0 in shape for shape in shapes.values()):
        pytest.skip("fed with an empty tensor")
    found = analyze(path, shape=shapes)
    runs = profiled.profile(onnx.load(path), feeds, tmp_path)
    profiled.agree(found, runs)
    assert runs


CASES = {case.name: case for case in onnx_cases.collect()}
EXPANDED = re.compile(r"_expanded\w*$")


#: Cases of ONNX that ONNX Runtime loads but does not run.
UNRUN = {"test_attention_4d_diff_heads_mask4d_padded_kv", "test_convinteger_with_padding"}


@pytest.mark.parametrize("name", [name for name in CASES if EXPANDED.sub("", name) == name])
def test_operators_as_onnx_runtime_runs_them(name, tmp_path):
    case = CASES[name]
    arrays = [feed for feed in case.feeds.values() if isinstance(feed, np.ndarray)]
    if name in UNRUN or any(0 in array.shape or array.dtype.isbuiltin != 1 for array in arrays):
        pytest.skip("ONNX Runtime refuses it, or it is fed with what cannot be fed")
    path = case.save(tmp_path)
    profiled.agree(analyze(path), profiled.profile(onnx.load(path), case.feeds, tmp_path))


@pytest.mark.parametrize("name", [name for name in CASES if EXPANDED.sub("", name) != name])
def test_an_operator_costs_as_much_as_its_definition(name, tmp_path):
    expanded = analyze(CASES[name].save(tmp_path))
    operator = analyze(CASES[EXPANDED.sub("", name)].save(tmp_path))
    assert operator.totals.macs == expanded.totals.macs


#: Networks of many kinds without dynamic dimensions.
WHOLE = [*(name for name in REAL if not REAL[name].sizes), *(one.name for one in networks())]


@pytest.mark.parametrize("name", WHOLE)
def test_rows_and_groups_sum_to_the_totals(name, tmp_path):
    found = analyze(REAL[name].write(tmp_path) if name in REAL else name)
    for field in ("macs", "params", "elementwise_ops", "weight_bytes", "activation_bytes"):
        rows = [getattr(row, field) or 0 for row in found.rows if row.counted]
        assert sum(rows) == getattr(found.totals, field), field
    for by in ("op", "scope", "kernel"):
        shares = groups(found, by)
        assert sum(group.layers for group in shares) == len([r for r in found.rows if r.counted])
        for field in ("macs", "params", "elementwise_ops", "separable_macs"):
            summed = sum(getattr(group, field) for group in shares)
            assert summed == getattr(found.totals, field), (by, field)


@pytest.mark.parametrize("name", [network.name for network in networks()])
def test_a_spec_and_its_exported_file_agree_to_the_unit(name, tmp_path):
    path = tmp_path / "exported.onnx"
    onnx.save(load(name, weights=name == "small-cnn").proto, path)
    spec, file = analyze(name), analyze(path)
    assert spec.totals == file.totals
    costs = [[(row.layer.id, row.macs, row.params, row.separable) for row in each.rows]
             for each in (spec, file)]  # fmt: skip
    assert costs[0] == costs[1]


def test_the_peak_of_a_network_with_branches(tmp_path):
    model = onnx.parser.parse_model("""
        <ir_version: 9, opset_import: ["" : 17]>
        g (float[1, 2, 4, 4] x) => (float[1, 8, 4, 4] y)
        <float[4, 2, 1, 1] v = {0,0,0,0,0,0,0,0}, float[4, 2, 1, 1] w = {0,0,0,0,0,0,0,0}> {
            a = Conv (x, v)
            b = Conv (x, w)
            c = Relu (a)
            y = Concat <axis = 1> (c, b)
        }""")
    onnx.save(model, tmp_path / "m.onnx")
    # x: 2·16·4 = 128 bytes; a, b and c: 4·16·4 = 256 each; y: 512
    # Conv a: x a = 384; Conv b: x a b = 640; Relu: a b c = 768; Concat: b c y = 1024
    assert analyze(tmp_path / "m.onnx").totals.peak_activation_bytes == 1024


def test_a_skipped_value_lives_until_it_is_read(tmp_path):
    model = onnx.parser.parse_model(
        """
        <ir_version: 9, opset_import: ["" : 17]>
        g (float[64] x) => (float[64] y) {
            a = Relu (x)
            b = Sigmoid (a)
            c = Tanh (b)
            d = Reshape (c, s)
            y = Add (d, x)
        }""".replace("y) {", "y) <int64[1] s = {64}> {")
    )
    onnx.save(model, tmp_path / "m.onnx")
    # 256 bytes each: x lives to the end, every row reads one value and writes another, and the
    # Reshape shares its memory. x + two = 768
    assert analyze(tmp_path / "m.onnx").totals.peak_activation_bytes == 768
