"""Execution providers by their short names: plain data, without ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from sepcost.errors import SepcostError

CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Provider:
    """One execution provider and how to get it."""

    name: str  # as ONNX Runtime calls it
    package: str  # how to install it
    plugin: str | None = None  # module of its plugin library
    device: str | None = None  # the default kind of device
    hint: str = ""  # what else it may need once installed


def _instead(packages: str) -> str:
    """For packages that contain ONNX Runtime, and so conflict with ``onnxruntime``."""
    return f"pip uninstall onnxruntime && pip install {packages}"


PROVIDERS: Mapping[str, Provider] = {
    CPU: Provider("CPUExecutionProvider", "pip install onnxruntime"),
    "cuda": Provider("CUDAExecutionProvider", _instead("onnxruntime-gpu")),
    "tensorrt": Provider("TensorrtExecutionProvider", _instead("onnxruntime-gpu tensorrt")),
    "openvino": Provider(
        "OpenVINOExecutionProvider",
        "pip install 'sepcost[openvino]', on Intel hardware",
        "onnxruntime_ep_openvino",
        device="CPU",
    ),
    "coreml": Provider("CoreMLExecutionProvider", "pip install onnxruntime, on macOS"),
    "mlx": Provider(
        "MLXExecutionProvider",
        "pip install onnxruntime-ep-mlx, on Apple silicon",
        "onnxruntime_ep_mlx",
    ),
    "dml": Provider("DmlExecutionProvider", f"{_instead('onnxruntime-directml')}, on Windows"),
    "xnnpack": Provider("XnnpackExecutionProvider", "build ONNX Runtime with --use_xnnpack"),
    "qnn": Provider(
        "QNNExecutionProvider",
        "pip install onnxruntime-qnn",
        "onnxruntime_qnn",
        hint="name a backend: --provider-option backend_path=libQnnHtp.so (the NPU; on x64, its "
        "simulator)",
    ),
    "ggml": Provider("ggml", "pip install onnxruntime-ggml", "onnxruntime_ggml"),
    "migraphx": Provider("MIGraphXExecutionProvider", _instead("onnxruntime-migraphx")),
    "rocm": Provider("ROCMExecutionProvider", _instead("onnxruntime-rocm")),
    "webgpu": Provider(
        "WebGpuExecutionProvider",
        "pip install 'sepcost[webgpu]'",
        "onnxruntime_ep_webgpu",
        hint="to use a software adapter, set ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER=1",
    ),
    "nvrtx": Provider(
        "NvTensorRTRTXExecutionProvider",
        "pip install onnxruntime-ep-nv-tensorrt-rtx (or …-rtx-cu12 for CUDA 12)",
        "onnxruntime_ep_nv_tensorrt_rtx",
    ),
    "vitisai": Provider(
        "VitisAIExecutionProvider",
        "install AMD's Ryzen AI or Vitis AI software, which includes ONNX Runtime",
    ),
    "cann": Provider("CANNExecutionProvider", _instead("onnxruntime-cann")),
    "dnnl": Provider("DnnlExecutionProvider", "build ONNX Runtime with --use_dnnl"),
    "acl": Provider("ACLExecutionProvider", "build ONNX Runtime with --use_acl"),
    "azure": Provider("AzureExecutionProvider", "pip install onnxruntime"),
}


def provider(name: str) -> Provider:
    """Look up a provider by its short name or by ONNX Runtime's name.

    Raises
    ------
    SepcostError
        If the provider is unknown; the message suggests the nearest.
    """
    if found := PROVIDERS.get(name.lower()):
        return found
    for known in PROVIDERS.values():
        if known.name.lower() == name.lower():
            return known
    near = get_close_matches(name.lower(), PROVIDERS, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(PROVIDERS)}"
    raise SepcostError(f"unknown execution provider {name!r}; {hint}")


def short_name(name: str) -> str:
    """Return the short name of a provider, given ONNX Runtime's name; unknown names as they are."""
    return next((short for short, known in PROVIDERS.items() if known.name == name), name)
