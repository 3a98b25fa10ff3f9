"""Errors of ONNX Runtime: their meaning, and remedies."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ELSEWHERE = (
    "; convert it to an opset that has one (onnx.version_converter), or use another --provider"
)
#: Part of a message -> remedy.
_REMEDIES: Mapping[str, str] = {
    "Could not find an implementation": _ELSEWHERE,
    "Failed to find kernel": _ELSEWHERE,
    "Exception during initialization": (
        "; export that operator differently, or use another --provider"
    ),
    "is not a registered function/op": "; only a runtime that has this operator can run it",
    "Could not determine default backend path": (
        "; name a backend: --provider-option backend_path=libQnnHtp.so (the NPU; on x64, its "
        "simulator)"
    ),
    "Failed to get a WebGPU adapter": (
        "; is there a GPU with a Vulkan driver? (VK_ICD_FILENAMES names one)"
    ),
    "External data path does not exist": "; put the data file where the model refers to it",
    "can not be read in full": (
        "; that data file is too short: fetch it again (a Git LFS pointer with 'git lfs pull')"
    ),
    "Dilation not supported for AutoPadType": (
        "; it runs with explicit pads: 'sepcost convert' writes them, or export it with numbers "
        'instead of padding="same"'
    ),
    "Expected: 0 ": (
        "; a size of 0 in the model means unknown here: give that dimension a name instead"
    ),
}
_SUITED = "; check its inputs (--inputs, --shape, --bind)"
_OF_A_NODE = "returned while running"
_GOES_ON = "for the following indices"  # and lists them in the lines that follow

_OUT_OF_MEMORY = ("bad_alloc", "Failed to allocate memory", "out of memory", "bad allocation")
_UNSUPPORTED = ("is not a registered function/op", "NOT_IMPLEMENTED")

_PREAMBLE = re.compile(r"^.*\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .* failed: ?)?")
#: "/onnxruntime_src/.../common.h:23 int64_t onnxruntime::F(int64_t) ": where in its code.
_SOURCE = re.compile(
    r"/\S+\.(?:cc|h|hpp|cpp):\d+ (?:.*?\)(?: const|::<lambda\(\)>)?(?: \[with .*?\])? )?"
    r"|(?:(?<!\S)|(?<=\.))\w+\.cc:\d+ \w+ "
)


def plain(error: Exception) -> str:
    """Strip the preamble: "[ONNXRuntimeError] : 1 : FAIL : Load model from x failed:"."""
    first, *rest = str(error).strip().splitlines() or [type(error).__name__]
    if _GOES_ON in first:
        first = " ".join([first, *(line.strip() for line in rest)])
    return _SOURCE.sub("", _PREAMBLE.sub("", first))[:400].strip()


def remedy(message: str, doing: str, *, of_model: bool) -> str:
    """The remedy for a plain message, as the end of a sentence; empty if unknown."""
    of_inputs = of_model or _OF_A_NODE in message
    suited = _SUITED if doing == "running" and of_inputs else ""
    return next((text for sign, text in _REMEDIES.items() if sign in message), suited)


def out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, in Python or in native code."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _OUT_OF_MEMORY)


def unsupported(error: Exception) -> bool:
    """Whether ONNX Runtime lacks an operator; some errors show that only in their text."""
    return any(sign in str(error) for sign in _UNSUPPORTED)
