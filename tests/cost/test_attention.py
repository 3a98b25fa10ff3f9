"""Attention in all layouts: B * H * S * T * (D + D_v), plus fused projections."""

import pytest

from sepcost.cost.operators import OPERATORS
from sepcost.network import Layer
from tests.cost.build import layer
from tests.cost.witness import run

MS = "com.microsoft"
B, H, S, T, D, V = 2, 6, 5, 7, 4, 3
FULL = B * H * S * T * (D + V)


def macs(found: Layer) -> int:
    return OPERATORS[found.domain, found.op_type](found)


@pytest.mark.parametrize("kv_heads", [6, 2, 1])
def test_by_heads_and_grouped(kv_heads):
    shapes = [(B, H, S, D), (B, kv_heads, T, D), (B, kv_heads, T, V)]
    found, _ = run("Attention", shapes)
    assert found.outputs[0] == (B, H, S, V)
    assert macs(found) == FULL


def test_packed_heads():
    shapes = [(B, S, H * D), (B, T, 2 * D), (B, T, 2 * V)]
    found, _ = run("Attention", shapes, q_num_heads=H, kv_num_heads=2)
    assert macs(found) == FULL


def test_causal_is_full_work_and_past_keys_count():
    shapes = [(B, H, S, D), (B, H, 3, D), (B, H, 3, V), None, (B, H, 4, D), (B, H, 4, V)]
    found, _ = run("Attention", shapes, outputs=3, is_causal=1)
    assert found.outputs[1] == (B, H, T, D)
    assert macs(found) == FULL


def test_the_runtime_computes_as_many_scores_as_counted():
    shapes = [(B, H, S, D), (B, H, T, D), (B, H, T, V)]
    found, results = run("Attention", shapes, outputs=4, qk_matmul_output_mode=0, scale=1.0)
    scores = results[3]
    # on ones, each raw score is D and each output 1: T products of 1 / T
    assert int(scores.sum()) + T * results[0].size == pytest.approx(macs(found))


def test_flex_attention():
    inputs = [(B, H, S, D), (B, 2, T, D), (B, 2, T, V)]
    assert macs(layer("FlexAttention", inputs, [(B, H, S, V)], "ai.onnx.preview")) == FULL


def test_multi_head_attention_with_separate_inputs():
    shapes = [(B, S, H * D), (B, T, H * D), (B, T, H * V)]
    found, _ = run("MultiHeadAttention", shapes, domain=MS, num_heads=H)
    assert macs(found) == FULL


def test_multi_head_attention_packed():
    found = layer("MultiHeadAttention", [(B, S, H, 3, D)], [(B, S, H * D)], MS, num_heads=H)
    assert macs(found) == B * H * S * S * 2 * D
    inputs = [(B, S, H * D), (B, T, H, 2, D)]
    found = layer("MultiHeadAttention", inputs, [(B, S, H * D)], MS, num_heads=H)
    assert macs(found) == B * H * S * T * 2 * D


def test_multi_head_attention_with_past_and_with_a_cache():
    left_out = (0,)
    inputs = [(B, S, H * D), (B, S, H * D), (B, S, H * D), left_out, left_out, left_out]
    found = layer("MultiHeadAttention", [*inputs, (B, H, 2, D)], [(B, S, H * D)], MS)
    assert macs(found) == B * H * S * (S + 2) * 2 * D
    cross = layer("MultiHeadAttention", [(B, S, H * D), (B, H, T, D)], [(B, S, H * D)], MS)
    assert macs(cross) == B * H * S * T * 2 * D


def test_projected_attention_adds_the_product_with_its_weights():
    shapes = [(B, S, 10), (10, 3 * H * D), (3 * H * D,)]
    found, _ = run("Attention", shapes, domain=MS, num_heads=H)
    assert macs(found) == B * S * 10 * 3 * H * D + B * H * S * S * 2 * D


def test_projected_attention_with_other_values_and_a_past():
    sizes = (H * D, H * D, H * V)
    inputs = [(B, S, 10), (10, sum(sizes)), (sum(sizes),)]
    found = layer("Attention", inputs, [(B, S, H * V)], MS, num_heads=H, qkv_hidden_sizes=sizes)
    assert macs(found) == B * S * 10 * sum(sizes) + B * H * S * S * (D + V)
    past = [*inputs[:1], (10, 3 * H * D), (3 * H * D,), (0,), (2, B, H, 2, D)]
    found = layer("Attention", past, [(B, S, H * D)], MS, num_heads=H)
    assert macs(found) == B * S * 10 * 3 * H * D + B * H * S * (S + 2) * 2 * D


def test_a_shared_buffer_is_attended_as_a_whole():
    inputs = [(B, 1, 10), (10, 3 * H * D), (3 * H * D,), (0,), (2, B, H, 32, D)]
    found = layer("Attention", inputs, [(B, 1, H * D)], MS, past_present_share_buffer=1)
    assert macs(found) == B * 10 * 3 * H * D + B * H * 32 * 2 * D


def test_quantised_attention_has_its_past_at_another_position():
    scalar = ()
    inputs = [(B, S, 10), (10, 3 * H * D), (3 * H * D,), scalar, scalar, (0,), scalar, scalar]
    found = layer("QAttention", [*inputs, (2, B, H, 2, D)], [(B, S, H * D)], MS, num_heads=H)
    assert macs(found) == B * S * 10 * 3 * H * D + B * H * S * (S + 2) * 2 * D


def test_grouped_query_attention_attends_to_what_it_returns():
    hidden, kv = H * 8, 2 * 8
    inputs = [(1, S, hidden), (1, S, kv), (1, S, kv), (1, 2, 0, 8), (1, 2, 0, 8), (1,), ()]
    found = layer(
        "GroupQueryAttention", inputs, [(1, S, hidden), (1, 2, S, 8)], MS, num_heads=H,
        kv_num_heads=2,
    )  # fmt: skip
    assert macs(found) == H * S * S * 2 * 8


def test_grouped_query_attention_without_its_present():
    inputs = [(1, S, H * 8), (1, S, 16), (1, S, 16), (1, 2, 9, 8)]
    found = layer("GroupQueryAttention", inputs, [(1, S, H * 8)], MS)
    assert macs(found) == H * S * (9 + S) * 2 * 8


def test_decoder_attends_to_the_past_and_itself():
    left_out = (0,)
    inputs = [(B, 1, H * D)] * 3 + [left_out, left_out, (B, H, 9, D)]
    found = layer("DecoderMaskedMultiHeadAttention", inputs, [(B, 1, H * D)], MS)
    assert macs(found) == B * H * (9 + 1) * 2 * D
    packed = [(B, 1, 3 * H * D), *[left_out] * 4, (B, H, 9, D)]
    found = layer(
        "DecoderMaskedMultiHeadAttention", packed, [(B, 1, H * D)], MS, past_present_share_buffer=1
    )
    assert macs(found) == B * H * 9 * 2 * D


@pytest.mark.parametrize(("rule", "reads"), [("linear", 1), ("gated", 1), ("gated_delta", 2)])
def test_linear_attention_updates_a_state_for_each_key_head(rule, reads):
    inputs = [(B, S, 6 * D), (B, S, 2 * D), (B, S, 2 * V)]
    found = layer(
        "LinearAttention", inputs, [(B, S, 6 * V)], q_num_heads=6, kv_num_heads=2, update_rule=rule
    )
    assert macs(found) == B * S * D * V * (reads * 2 + 6)
