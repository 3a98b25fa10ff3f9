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
