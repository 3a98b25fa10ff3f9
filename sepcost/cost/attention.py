"""Attention: scores ``Q K^T``, then their product with V, in any layout.

For S queries, T keys (including past ones) and H_q heads of sizes D and D_v:
``B * H_q * S * T * (D + D_v)``. ``B * H_q * S * D`` is the size of Q and ``B * H_q * S * D_v``
the size of the output, in packed and in separate layouts, so MACs = T * (size of Q + size of the
output). Masks, causal or not, and local windows do not reduce the count.
"""

from __future__ import annotations

from math import prod

from sepcost.cost.geometry import given, integer, ints
from sepcost.network import Layer, Shape


def attention(layer: Layer) -> int:
    """ai.onnx Attention (opset 23) and FlexAttention: heads packed (3-D) or separate (4-D)."""
    return _scores_and_values(layer, layer.inputs[0], keys(layer))


def keys(layer: Layer) -> int:
    """T: the new keys (second to last axis in both layouts) plus ``past_key``."""
    past = layer.inputs[4][-2] if given(layer.inputs, 4) else 0
    return layer.inputs[1][-2] + past


def multi_head(layer: Layer) -> int:
    """com.microsoft MultiHeadAttention: projected Q, K, V, separate or packed.

    Q is (B, S, H), or all three packed as (B, S, N, 3, D).
    """
    query = layer.inputs[0]
    hidden = query[2] * query[4] if len(query) == 5 else query[2]
    return _scores_and_values(layer, (*query[:2], hidden), multi_head_keys(layer))


def multi_head_keys(layer: Layer) -> int:
    """T: K is (B, L, H), or packed with V as (B, L, N, 2, D), or a cache (B, N, L, D), no past."""
    past = layer.inputs[6][2] if given(layer.inputs, 6) else 0
    new = layer.inputs[1] if given(layer.inputs, 1) else layer.inputs[0]
    return new[2] if len(new) == 4 else new[1] + past


def decoder_masked_multi_head(layer: Layer) -> int:
    """As MultiHeadAttention for one new token; without K, Q is (B, 1, 2 H + H_v), all packed."""
    query, values = layer.inputs[0], layer.outputs[0][-1]
    hidden = query[2] if given(layer.inputs, 1) else (query[2] - values) // 2
    return _scores_and_values(layer, (*query[:2], hidden), decoder_keys(layer))


def decoder_keys(layer: Layer) -> int:
    """T: the past plus one token; a buffer shared by past and present counts in full."""
    if given(layer.inputs, 1) and len(layer.inputs[1]) == 4:
        return layer.inputs[1][2]
    past = layer.inputs[5][2] if given(layer.inputs, 5) else 0
    return past if past and integer(layer, "past_present_share_buffer", 0) else past + 1


def grouped_query(layer: Layer) -> int:
    """com.microsoft GroupQueryAttention: Q, packed or not, has the size of the output."""
    return _scores_and_values(layer, layer.outputs[0], grouped_query_keys(layer))


def grouped_query_keys(layer: Layer) -> int:
    """T: the length of ``present_key``, or else past plus new keys."""
    if given(layer.outputs, 1):
        return layer.outputs[1][2]
    past = layer.inputs[3][2] if given(layer.inputs, 3) else 0
    return past + (layer.inputs[1] if given(layer.inputs, 1) else layer.inputs[0])[1]


def projected(layer: Layer) -> int:
    """com.microsoft Attention and QAttention: one product for three projections, then attention.

    ``B * S * I * (H + H + H_v) + T * B * S * (H + H_v)``
    """
    source, weight = layer.inputs[:2]
    width = (ints(layer, "qkv_hidden_sizes") or (weight[1] // 3,))[0]
    attended = _scores_and_values(layer, (*source[:2], width), projected_keys(layer))
    return prod(source) * weight[1] + attended


def projected_keys(layer: Layer) -> int:
    """T: the past plus the new sequence, or the whole buffer that past and present share."""
    past, sequence = 8 if layer.op_type == "QAttention" else 4, layer.inputs[0][1]
    if not given(layer.inputs, past):
        return sequence
    cached = layer.inputs[past][-2]
    return cached if integer(layer, "past_present_share_buffer", 0) else cached + sequence


def linear_attention(layer: Layer) -> int:
    """LinearAttention, token by token, with a state of d_k by d_v per key head.

    Each token adds ``k v^T`` to the state of each key head and reads it once per query head; the
    delta rules read it once more per key head. Decay works element by element and is no MAC.
    """
    query, _, value, *_ = layer.inputs
    heads, kv_heads = integer(layer, "q_num_heads", 1), integer(layer, "kv_num_heads", 1)
    rule = str(layer.attributes.get("update_rule", "gated_delta"))
    state = (query[-1] // heads) * (value[-1] // kv_heads)
    updates = 2 * kv_heads if "delta" in rule else kv_heads
    return prod(query[:2]) * state * (updates + max(heads, kv_heads))


def _scores_and_values(layer: Layer, query: Shape, total: int) -> int:
    return total * (prod(query) + prod(layer.outputs[0]))
