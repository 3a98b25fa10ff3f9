"""Layer specs: networks that a person writes down from memory, as TOML.

::

    name = "small"                                  # or the name of the file
    input = [3, 224, 224]                           # channels, then spatial axes
    defaults = { batch_norm = true, activation = "relu" }   # of every convolution
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
                tables are the same thing
``name``        default: the name of the file
``description`` one line
``batch``       a fixed batch size; without it the batch is the dynamic dimension ``N``
``defaults``    ``batch_norm``, ``activation``, ``bias``, ``padding`` of convolutions that say none
``blocks``      named layers with parameters
``alpha``       width multiplier: scales the output channels (and so the input channels of what
                follows) of every layer but the classifier, which is the last ``linear``, or the
                last ``conv`` before a ``global_pool``, ``flatten`` or ``softmax``. Default 1
``rho``         resolution multiplier: scales the spatial axes of the input. Default 1
``divisor``     alpha's widths are rounded to the nearest multiple of it, at least one; above 1, a
                width that would lose more than a tenth goes up instead (MobileNetV2 has 8).
                Default 1. Halves go up. Where alpha is 1, widths stay as written
==============  ===================================================================================

**Layers** (the value is what stands behind the kind; bare: may be written as a bare word)

==================  ======================  =======================================================
kind                value                   keys
==================  ======================  =======================================================
``conv``            output channels         kernel 3, stride 1, padding "same", dilation 1,
                                            groups 1, and (*)
``pointwise_conv``  output channels         stride 1, padding "same", groups 1, and (*);
                                            the kernel is 1
``depthwise_conv``  true (bare)             kernel 3, stride 1, padding "same", dilation 1,
                                            multiplier 1 (kernels a channel), bias, batch_norm,
                                            activation
``separable_conv``  output channels         kernel 3, stride 1, padding "same", dilation 1, and (*);
                                            depthwise then pointwise, both with bias, batch_norm
                                            and activation
``linear``          output features         (*); flattens what is not flat
``pool``            "max" or "avg"          kernel 2, stride as the kernel, padding "valid"
``global_pool``     "avg" (bare) or "max"
``batch_norm``      true (bare)             activation
``activation``      its name                as a layer of its own; or bare: ``"relu"``
``softmax``         true (bare)             over the channels
``flatten``         true (bare)
``dropout``         rate (bare)             does nothing: networks that run have none
``add``             a name, or several      a name: previous + that; a list: exactly those
``multiply``        likewise                one of them may hold one number a channel
``concat``          likewise                along the channels
``block``           the name of a block     its parameters
``layers``          a list                  a group, such as to repeat it
==================  ======================  =======================================================

(*) ``bias`` (true or false; default: true unless the layer has ``batch_norm = true``),
``batch_norm`` (default false), ``activation`` (default "none"), applied in this order;
``alpha`` (the layer's own multiplier in place of the network's; 1 keeps its width), ``min_alpha``
(alpha is at least this here).

``kernel``, ``stride``, ``dilation`` are an integer for all spatial axes or a list of one for each.
``padding`` is "same" (``ceil(size / stride)`` positions, the odd cell at the end), "valid" (none),
an integer for all sides, a list of one for each axis, or all begins, then all ends.

Activations: elu, hardsigmoid, hardswish, leaky_relu, prelu, relu, relu6, selu, sigmoid, softplus,
swish, tanh.

Every layer also takes ``name``, ``from`` (the name of the layer that feeds it; default: the
previous one) and ``repeat`` (how often, each fed by the one before). ``input`` names what enters
the network, the block, or this round of the group; ``previous`` names the layer above. Names are
local: a block sees its own, a group also those around it.

A **block** is ``[blocks.NAME]`` with ``layers`` and perhaps ``defaults``. Its parameters are the
``$names`` that it uses; a call gives each that has no default. ``"$stride"`` stands for any value;
``"4 * $channels"`` computes with ``+ - * / ( )``, where a division must come out even. ``$in`` is
the number of channels that arrive at a layer, alpha applied already: a width made from it is not
scaled again.

**What it builds**: ONNX of opset 17, float32, nodes named after their layers (``conv_1``,
``residual_2/conv_1/relu``), weights drawn so that activations keep their size (He et al. 2015).
A layer that nothing reads is an error, and so is a spec beyond 1 MB, 20,000 layers or nodes, 16
levels of blocks and groups, or sizes above 2^24. Names have up to 40 letters, digits, ``_``, ``-``.
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
        The file; or the TOML itself, which has more than one line.
    alpha, rho : float, optional
        Multipliers in place of those in the spec.
    weights : bool
        Whether the weights get values, always the same ones. Without, they have dims and refer to
        external data that does not exist: enough to count, and no memory.
    origin : str, optional
        What messages call the spec.

    Returns
    -------
    onnx.ModelProto
        Opset 17, float32, one input ``(N, channels, ...)``.

    Raises
    ------
    SpecError
        With file, line, key and what was expected.
    """
    from sepcost.model.spec import route  # noqa: PLC0415  (ONNX files need none of it)

    return route.build(text_or_path, {"alpha": alpha, "rho": rho}, weights, origin)
