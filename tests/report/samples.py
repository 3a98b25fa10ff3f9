"""Handmade small analyses for tests of reports."""

from dataclasses import replace

from sepcost.cost.analysis import Analysis
from sepcost.cost.results import (
    Conventions,
    Convolution,
    CountStatus,
    Coverage,
    LayerCost,
    Separable,
    Totals,
)
from sepcost.network import Layer, Network, Role, Value


def conv_row(name="conv1", id_="conv1_out", **changes):
    """A 3×3 convolution of 8 to 16 channels on 4×4: 9·8·16·16 MACs, 9·8·16 + 8·16·16 separable."""
    layer = Layer(
        id_, name, "Conv", "", "", ((1, 8, 4, 4), (16, 8, 3, 3)), ((1, 16, 4, 4),), node=name
    )
    row = LayerCost(
        layer, CountStatus.COUNTED, None, macs=18432, params=1152, weight_bytes=4608,
        elementwise_ops=0, bytes_moved=6144, activation_bytes=1024,
        convolution=Convolution(
            (3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 1, 8, 16, positions=16, pointwise_positions=16
        ),
        separable=Separable(True, None, 3200, 200, 3200 / 18432, 5.76),
    )  # fmt: skip
    return replace(row, **changes)


def plain_row(name="relu1", id_="relu1_out", op_type="Relu", **changes):
    """A row without MACs."""
    layer = Layer(id_, name, op_type, "", "", ((1, 16, 4, 4),), ((1, 16, 4, 4),), node=name)
    row = LayerCost(
        layer, CountStatus.FREE, None, macs=0, params=0, weight_bytes=0, elementwise_ops=256,
        bytes_moved=2048, activation_bytes=1024,
    )  # fmt: skip
    return replace(row, **changes)


def unknown_row(name="mystery", op_type="Mystery"):
    return plain_row(
        name, f"{name}_out", op_type, status=CountStatus.UNKNOWN, reason="no formula", macs=None,
        elementwise_ops=None,
    )  # fmt: skip


def analysis(*rows, name="tiny", bindings=None, batch=None, warnings=()):
    """An analysis whose totals are the sums of its rows."""
    statuses = [row.status for row in rows]
    macs = sum(row.macs or 0 for row in rows)
    saved = sum(
        row.macs - row.separable.macs for row in rows if row.separable and row.separable.eligible
    )
    image = Value("x", (1, 8, 4, 4), "float32", Role.INPUT)
    params = sum(row.params for row in rows)
    return Analysis(
        f"{name}.onnx",
        Network(
            name, tuple(row.layer for row in rows), inputs=(image,), opsets={"": 17},
            bindings=bindings or {}, batch=batch,
        ),
        rows,
        Totals(
            macs, params, sum(row.elementwise_ops or 0 for row in rows), 4 * params, 2048, 2048,
            macs - saved, params, sum(row.bytes_moved or 0 for row in rows),
        ),
        Coverage(*(statuses.count(status) for status in CountStatus)),
        Conventions(),
        warnings,
    )  # fmt: skip
