"""Shapes of operators on sequences with a state: causal convolution, attention."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import TypeProto

from sepcost.model.rules import Attributes, Inputs, Rule, at, elem_type, like, shapes, typed
from sepcost.model.values import tensor_type
from sepcost.network import Shape


def causal_convolution(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """CausalConvWithState: has the shape of its input; the state holds the positions before it.

    The state has ``(kernel - 1) * dilation`` positions of [B, C, L], or of [B, L, *C] with channels
    last; with ``state_window``, it has that many of them.
    """
    known_shapes = shapes(inputs, 0, 1)
    if known_shapes is None or min(map(len, known_shapes)) < 3:
        return like(0)(inputs, attrs)
    data, weight = known_shapes
    last = bool(attrs.get("channels_last"))
    channels = attrs.get("input_channels") or weight[0]
    output = (*data[:-1], channels) if attrs.get("input_channels") else data
    length = attrs.get("state_length") or (weight[-1] - 1) * attrs.get("dilation", 1)
    by_state = attrs.get("state_channels_last", -1)
    if (last if by_state < 0 else bool(by_state)) and last:
        state: Shape = (data[0], length, *output[2:])
    else:
        state = (data[0], channels, *([] if last else data[2:-1]), length)
    window, capacity = attrs.get("state_window"), attrs.get("state_update_capacity", 0)
    state = (window, *state) if window else state
    return typed(inputs, output, state, (data[0], capacity, channels))


def ragged_convolution(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """VarlenCausalConvWithState: [tokens, C], the states of all sequences, captured states."""
    found = shapes(inputs, 0, 4)
    if found is None:
        return like(0)(inputs, attrs)
    (tokens, channels), state = found
    captured = (state[0], attrs.get("state_update_capacity", 0), channels)
    return typed(inputs, (tokens, channels), state, captured)


def linear_attention(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """LinearAttention: [B, T, max(H_q, H_kv) * d_v]; the state is [B, H_kv, d_k, d_v]."""
    known_shapes = shapes(inputs, 0, 2)
    heads, kv_heads = attrs.get("q_num_heads", 0), attrs.get("kv_num_heads", 0)
    if known_shapes is None or not heads or not kv_heads:
        return []
    (batch, length, hidden), value = known_shapes
    width = value[-1] // kv_heads
    state: Shape = (batch, kv_heads, hidden // heads, width)
    window = attrs.get("state_window")
    kind = elem_type(inputs, 3) if at(inputs, 3) else elem_type(inputs, 0)
    (output,) = typed(inputs, (batch, length, max(heads, kv_heads) * width))
    return [output, tensor_type(kind, (window, *state) if window else state)]


def linear_attention_gate(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """LinearAttentionGate: decay and update rate have the shapes of inputs 0 and 3."""
    return like(0, 3)(inputs, attrs)


def masked_multi_head(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """DecoderMaskedMultiHeadAttention: one token, then all keys and values including its own.

    Q is [B, 1, H]; V is [B, 1, H_v], or [B, N, L, D] in cross-attention; or all three are packed.
    """
    known_shapes, value = shapes(inputs, 0), shapes(inputs, 2)
    if known_shapes is None or len(known_shapes[0]) != 3:
        return []
    batch, length, hidden = known_shapes[0]
    if value and len(value[0]) == 4:
        width = value[0][1] * value[0][3]
    elif value:
        width = value[0][2]
    else:
        width = hidden // 3 if at(inputs, 1) is None else hidden
    presents = [_grown(shapes(inputs, k), attrs) for k in (5, 6)]
    return typed(inputs, (batch, length, width), *presents)


def _grown(past: list[Shape] | None, attrs: Attributes) -> Shape | None:
    if past is None or len(past[0]) != 4:
        return None
    batch, heads, length, size = past[0]
    shared = attrs.get("past_present_share_buffer")
    return (batch, heads, length if shared else length + 1, size)


#: Of com.microsoft, part of ``contrib.RULES``.
SEQUENCES: Mapping[str, Rule] = {
    "CausalConvWithState": causal_convolution,
    "DecoderMaskedMultiHeadAttention": masked_multi_head,
    "LinearAttention": linear_attention,
    "LinearAttentionGate": linear_attention_gate,
    "VarlenCausalConvWithState": ragged_convolution,
}
