"""Layer specs: networks written by hand, as TOML.

::

    name = "small"                                  # default: the name of the file
    input = [3, 224, 224]                           # channels, then spatial axes
    defaults = { batch_norm = true, activation = "relu" }   # of all convolutions
    layers = [
      { conv = 32, stride = 2 },
      { separable_conv = 64, repeat = 2 },
      { block = "residual", channels = 64, repeat = 3 },
      "global_pool",
      { linear = 1000 },
      "softmax",
    ]

    [blocks.residual]
    layers = [
      { conv = "$channels" },
      { conv = "$channels", activation = "none" },
      { add = "input" },
      "relu",
    ]

**Top level**

==============  ===================================================================================
``input``       ``[channels, height, width]``; ``[channels, length]``, ``[channels, depth, height,
                width]`` and ``[features]`` work too
``layers``      a list of layers; each is a table with one kind, or a bare word. ``[[layers]]``
                tables work too
``name``        default: the name of the file
``description`` one line
``batch``       a fixed batch size; by default, the batch is the dynamic dimension ``N``
``defaults``    ``batch_norm``, ``activation``, ``bias``, ``padding`` of convolutions without them
``blocks``      named layers with parameters
``alpha``       width multiplier: scales the output channels (and so the input channels of the next
                layer) of every layer except the classifier: the last ``linear``, or the last
                ``conv`` before a ``global_pool``, ``flatten`` or ``softmax``. Default: 1
``rho``         resolution multiplier: scales the spatial axes of the input. Default: 1
``divisor``     scaled widths are rounded to the nearest multiple of it, halves up, and are at least
                one multiple; above 1, a width that would lose more than a tenth is rounded up
                (MobileNetV2 has 8). Default: 1. With alpha = 1, widths stay as written
==============  ===================================================================================

**Layers** (value: what follows the kind; bare: may be written as a bare word)

==================  ======================  =======================================================
kind                value                   keys
==================  ======================  =======================================================
``conv``            output channels         kernel 3, stride 1, padding "same", dilation 1,
                                            groups 1, and (*)
``pointwise_conv``  output channels         stride 1, padding "same", groups 1, and (*);
                                            the kernel is 1
``depthwise_conv``  true (bare)             kernel 3, stride 1, padding "same", dilation 1,
                                            multiplier 1 (kernels per channel), bias, batch_norm,
                                            activation
``separable_conv``  output channels         kernel 3, stride 1, padding "same", dilation 1, and (*);
                                            depthwise, then pointwise, both with bias, batch_norm
                                            and activation
``linear``          output features         (*); flattens its input first
``pool``            "max" or "avg"          kernel 2, stride = kernel, padding "valid"
``global_pool``     "avg" (bare) or "max"
``batch_norm``      true (bare)             activation
``activation``      its name                as a layer of its own; or bare: ``"relu"``
``softmax``         true (bare)             over the channels
``flatten``         true (bare)
``dropout``         rate (bare)             ignored: inference has no dropout
``add``             a name, or a list       a name: adds to the previous layer; a list: adds those
``multiply``        likewise                one operand may have one number per channel
``concat``          likewise                along the channels
``block``           the name of a block     its parameters
``layers``          a list                  a group, for instance to repeat it
==================  ======================  =======================================================

(*) ``bias`` (true or false; default: true unless the layer has ``batch_norm = true``),
``batch_norm`` (default false), ``activation`` (default "none"), applied in this order;
``alpha`` (replaces the network's alpha in this layer; 1 keeps its width), ``min_alpha`` (the least
alpha in this layer).

``kernel``, ``stride``, ``dilation`` are an integer for all spatial axes, or a list of one per axis.
``padding`` is "same" (``ceil(size / stride)`` positions, the odd cell at the end), "valid" (none),
an integer for all sides, a list of one per axis, or a list of all begins, then all ends.

Activations: elu, hardsigmoid, hardswish, leaky_relu, prelu, relu, relu6, selu, sigmoid, softplus,
swish, tanh.

Every layer also takes ``name``, ``from`` (the layer that it reads; default: the previous one) and
``repeat`` (a number of copies, each reading the one before). ``input`` is the input of the network,
the block, or this copy of the group; ``previous`` is the layer above. Names are local: a block sees
its own, a group also those around it.

A **block** is ``[blocks.NAME]`` with ``layers`` and optional ``defaults``. Its parameters are the
``$names`` that it uses; a call must give each one without a default. ``"$stride"`` may be any
value; ``"4 * $channels"`` computes with ``+ - * / ( )``, where divisions must be exact. ``$in`` is
the number of channels that a layer reads, with alpha already applied: a width computed from it is
not scaled again.

**Result**: an ONNX model of opset 17 in float32. Nodes are named after their layers (``conv_1``,
``residual_2/conv_1/relu``); random weights keep the scale of activations (He et al. 2015).

**Errors**: a layer whose output is not used; more than 1 MB, 20,000 layers or nodes, or 16 levels
of blocks and groups; sizes above 2^24. Names have up to 40 letters, digits, ``_`` and ``-``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sepcost.model.spec.shipped import NetworkInfo, find, is_shipped, networks

if TYPE_CHECKING:
    import onnx

__all__ = ["NetworkInfo", "build", "find", "is_shipped", "networks"]


def build(
    text_or_path: str | Path,
    *,
    alpha: float | None = None,
    rho: float | None = None,
    weights: bool = True,
    origin: str | None = None,
) -> onnx.ModelProto:
    """Build the ONNX model of a layer spec.

    Parameters
    ----------
    text_or_path : str or Path
        The file, or the TOML itself if it has more than one line.
    alpha, rho : float, optional
        Multipliers that replace those in the spec.
    weights : bool
        Whether the weights get values, the same in every build. Otherwise they have shapes and
        refer to external data that does not exist: enough for counting, and no memory is used.
    origin : str, optional
        The name of the spec in error messages.

    Returns
    -------
    onnx.ModelProto
        Opset 17, float32, one input ``(N, channels, ...)``.

    Raises
    ------
    SpecError
        The message names file, line, key and the expected value.
    """
    from sepcost.model.spec import route  # noqa: PLC0415 - not for ONNX files

    return route.build(text_or_path, {"alpha": alpha, "rho": rho}, weights, origin)
