"""Small ONNX files for tests of the command line."""

import onnx
import onnx.parser


def save(folder, body, name="m.onnx"):
    path = folder / name
    onnx.save(onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["" : 17]>\n{body}'), path)
    return str(path)


def conv(folder, name="m.onnx"):
    """3×3 from 8 to 16 channels on 4×4, then Relu: 18,432 MACs, 1,152 params, 3,200 separable."""
    weights = ", ".join(["0"] * 1152)
    body = (
        f"g (float[1, 8, 4, 4] x) => (float[1, 16, 4, 4] y) <float[16, 8, 3, 3] w = {{{weights}}}>"
        "{ h = Conv <pads = [1, 1, 1, 1]> (x, w)  y = Relu (h) }"
    )
    return save(folder, body, name)


def dynamic(folder):
    """4 to 2 features for a batch of N: 8 MACs per item."""
    return save(
        folder,
        """g (float[N, 4] x) => (float[N, 2] y)
        <float[4, 2] w = {1, 1, 1, 1, 1, 1, 1, 1}> { y = MatMul (x, w) }""",
    )


def unknown_dynamic(folder):
    """One unknown operator for a batch of N."""
    return unknown(folder, "N")


def unknown(folder, batch=3):
    """One unknown operator."""
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Mystery", ["x"], ["y"], "m\x1b[31m", domain="com.acme")],
        "g",
        [onnx.helper.make_tensor_value_info("x", 1, [batch, 5])],
        [onnx.helper.make_tensor_value_info("y", 1, [3, 7])],
    )
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("com.acme", 1)]
    path = folder / "unknown.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets), path)
    return str(path)


def data_dependent(folder):
    """A matrix product whose size depends on the values of the input."""
    return save(
        folder,
        """g (float[N, 3] x) => (float[K, 4] y) <float[2, 4] w = {1, 1, 1, 1, 1, 1, 1, 1}>
        { i = NonZero (x)  f = Cast <to = 1> (i)  t = Transpose (f)  y = MatMul (t, w) }""",
    )
