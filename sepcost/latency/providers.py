"""The execution providers by their short names: plain data, no ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from sepcost.errors import SepcostError

CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Provider:
    """One execution provider and where it comes from."""

    name: str  # as ONNX Runtime calls it
    package: str  # what makes it available
    plugin: str | None = None  # module of a plugin library, where there is one


PROVIDERS: Mapping[str, Provider] = {
    CPU: Provider("CPUExecutionProvider", "pip install onnxruntime"),
    "cuda": Provider("CUDAExecutionProvider", "pip install onnxruntime-gpu"),
    "tensorrt": Provider("TensorrtExecutionProvider", "pip install onnxruntime-gpu tensorrt"),
    "openvino": Provider(
        "OpenVINOExecutionProvider",
        "pip install 'sepcost[openvino]' on Intel hardware, or onnxruntime-openvino instead of "
        "onnxruntime",
        "onnxruntime_ep_openvino",
    ),
    "coreml": Provider("CoreMLExecutionProvider", "pip install onnxruntime, on macOS"),
    "dml": Provider("DmlExecutionProvider", "pip install onnxruntime-directml, on Windows"),
    "xnnpack": Provider("XnnpackExecutionProvider", "an ONNX Runtime built with --use_xnnpack"),
    "qnn": Provider("QNNExecutionProvider", "pip install onnxruntime-qnn", "onnxruntime_qnn"),
    "migraphx": Provider("MIGraphXExecutionProvider", "pip install onnxruntime-migraphx"),
    "rocm": Provider("ROCMExecutionProvider", "pip install onnxruntime-rocm"),
    "webgpu": Provider(
        "WebGpuExecutionProvider", "pip install onnxruntime-ep-webgpu", "onnxruntime_ep_webgpu"
    ),
    "nvrtx": Provider("NvTensorRTRTXExecutionProvider", "pip install onnxruntime-trt-rtx"),
    "vitisai": Provider("VitisAIExecutionProvider", "pip install onnxruntime-vitisai"),
    "cann": Provider("CANNExecutionProvider", "pip install onnxruntime-cann"),
    "dnnl": Provider("DnnlExecutionProvider", "an ONNX Runtime built with --use_dnnl"),
    "acl": Provider("ACLExecutionProvider", "an ONNX Runtime built with --use_acl"),
    "azure": Provider("AzureExecutionProvider", "pip install onnxruntime"),
}


def provider(name: str) -> Provider:
    """Look a provider up by its short name or by ONNX Runtime's own.

    Raises
    ------
    SepcostError
        When there is no such provider; names the nearest.
    """
    if found := PROVIDERS.get(name.lower()):
        return found
    for known in PROVIDERS.values():
        if known.name.lower() == name.lower():
            return known
    near = get_close_matches(name.lower(), PROVIDERS, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(PROVIDERS)}"
    raise SepcostError(f"there is no provider {name!r}: {hint}")


def short_name(name: str) -> str:
    """Return the short name of what ONNX Runtime calls ``name``; itself where it is not known."""
    return next((short for short, known in PROVIDERS.items() if known.name == name), name)
