"""Models as ONNX text, well-behaved and not."""

RELU = "relu (float[1,8] x) => (float[1,8] y) { y = Relu (x) }"


def conv(channels: int = 8, size: int = 16) -> str:
    """Return a convolution, a batch normalisation and a ReLU: one kernel."""
    c, s = channels, size
    return f"""net (float[1,{c},{s},{s}] x) => (float[1,{c},{s},{s}] y)
    <int64[4] shape = {{{c},{c},3,3}}, int64[1] channels = {{{c}}}> {{
        w = ConstantOfShape <value = float[1] {{0.01}}> (shape)
        one = ConstantOfShape <value = float[1] {{1.0}}> (channels)
        c = Conv <pads = [1,1,1,1]> (x, w)
        b = BatchNormalization (c, one, one, one, one)
        y = Relu (b)
    }}"""


HANG = """hang (float[1] x) => (float[1] y) <int64 most = {9223372036854775807}, bool go = {1}> {
    y = Loop (most, go, x) <body = forever (int64 i, bool was, float[1] v)
        => (bool again, float[1] next) { again = Identity (was)  next = Sin (v) }>
}"""

#: 100 billion float32 are 400 GB.
HUGE = """huge (int64[1] n) => (float[1] y) <float[1] one = {1.0}, int64[1] many = {100000000000}> {
    shape = Mul (n, many)
    wide = Expand (one, shape)
    y = ReduceSum <keepdims = 0> (wide)
}"""


def quantised(layers: int = 2) -> str:
    """Return convolutions of 8 channels in QDQ format, each quantised again."""
    weights = ", ".join(f"{k % 7 - 3}" for k in range(8 * 8 * 9))
    stored = "float s = {0.05}, uint8 z = {128}, float ws = {0.01}, int8 wz = {0}"
    steps = "".join(
        f"""a{k} = DequantizeLinear (q{k}, s, z)
        b{k} = DequantizeLinear (w, ws, wz)
        c{k} = Conv <pads = [1,1,1,1]> (a{k}, b{k})
        q{k + 1} = QuantizeLinear (c{k}, s, z)
        """
        for k in range(layers)
    )
    return f"""net (float[1,8,16,16] x) => (float[1,8,16,16] y)
    <{stored}, int8[8,8,3,3] w = {{{weights}}}> {{
        q0 = QuantizeLinear (x, s, z)
        {steps}
        y = DequantizeLinear (q{layers}, s, z)
    }}"""


#: Five products of 4 by 4 in a Loop, between two nodes outside: 5 · 16 MACs.
PRODUCTS = """net (float[1,4] x) => (float[1,4] z)
<float[4,4] w = {1,0,0,0, 0,1,0,0, 0,0,1,0, 0,0,0,1}, int64 trips = {5}, bool go = {1}> {
    h = Relu (x)
    y = Loop (trips, go, h) <body = step (int64 i, bool was, float[1,4] v)
        => (bool again, float[1,4] next) { again = Identity (was)  next = MatMul (v, w) }>
    z = Sin (y)
}"""
