"""Sessions, placement and runs of ONNX Runtime, which only this file and ``plugins`` import.

Importing this file loads ONNX Runtime: child processes do so, and code that needs outputs but no
times does so on demand. ONNX Runtime silently falls back to the CPU, so providers are requested
explicitly here and then read back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime as ort

from sepcost.errors import MeasurementError, ModelError, SepcostError
from sepcost.latency import ort_errors, plugins
from sepcost.latency.jobs import ModelFile, Runtime
from sepcost.latency.providers import CPU, PROVIDERS, Provider, provider, short_name
from sepcost.model.dtypes import EXOTIC, NUMBERS

if TYPE_CHECKING:
    from sepcost.latency.inputs import Array

ort.disable_telemetry_events()  # measurements here are private

Session = ort.InferenceSession
VERSION: str = ort.__version__
IN_GIVEN_ORDER = ort.ExecutionOrder.PRIORITY_BASED
ORT_LOG_NOTHING = 4  # errors are raised as exceptions anyway

LEVELS: Mapping[str, ort.GraphOptimizationLevel] = {
    "disable": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


#: Errors caused by the model; all others are failed measurements.
_OF_THE_MODEL = (
    ort.capi.onnxruntime_pybind11_state.InvalidArgument,
    ort.capi.onnxruntime_pybind11_state.InvalidGraph,
    ort.capi.onnxruntime_pybind11_state.InvalidProtobuf,
    ort.capi.onnxruntime_pybind11_state.NoSuchFile,
    ort.capi.onnxruntime_pybind11_state.NotImplemented,
)


def explain(error: Exception, doing: str, name: str) -> SepcostError:
    """Turn an error of ONNX Runtime into one line with its cause and a remedy."""
    if isinstance(error, UnicodeDecodeError):
        return ModelError(f"{name}: a name in it is not UTF-8; export the model again")
    message, of_model = ort_errors.plain(error), isinstance(error, _OF_THE_MODEL)
    if hint := ort_errors.remedy(message, doing, of_model=of_model):
        message = message.rstrip(".")
    if ort_errors.out_of_memory(error):
        return MeasurementError(
            f"{name}: out of memory while {doing} ({message}); bind smaller dimensions"
        )
    if of_model or ort_errors.unsupported(error):
        return ModelError(f"{name}: ONNX Runtime {VERSION} cannot run it: {message}{hint}")
    return MeasurementError(f"{name}: failed while {doing}: {message}{hint}")


def session(
    model: Path | bytes,
    runtime: Runtime,
    adjust: Callable[[ort.SessionOptions], None] | None = None,
) -> ort.InferenceSession:
    """Make a session with every provider that ``runtime`` names, or fail.

    Parameters
    ----------
    model
        A file or a serialised model.
    adjust
        Sets further session options, such as profiling.
    """
    options = _options(runtime)
    if adjust:
        adjust(options)
    wanted = [provider(p) for p in runtime.providers]
    source = model if isinstance(model, bytes) else str(model)
    chosen = {p.name: plugins.devices(p, _of(runtime, p)) for p in wanted if plugins.is_plugin(p)}
    if chosen:
        for one in wanted:
            _append(options, one, chosen, _of(runtime, one), runtime.threads)
        made = ort.InferenceSession(source, options)
    else:
        plugins.check_builtin(wanted)
        named = [(p.name, _pinned(p, _of(runtime, p), runtime.threads)) for p in wanted]
        made = ort.InferenceSession(source, options, providers=named)
    made.disable_fallback()
    for one in wanted:
        if one.name not in made.get_providers():
            raise MeasurementError(left_out(one))
    return made


def left_out(one: Provider) -> str:
    """Return the error for a provider that ONNX Runtime left out of a session."""
    name = short_name(one.name)
    if plugins.is_plugin(one):
        return f"provider {name!r} is installed but does not start; {one.hint or one.package}"
    return (
        f"provider {name!r} is part of this ONNX Runtime but did not load; "
        f"install its drivers and libraries ({one.package})"
    )


def profiled(folder: Path, optimised: Path | None, options: ort.SessionOptions) -> None:
    """Make a session write its profile, and its optimised graph without weights."""
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    if optimised is None:
        return
    options.optimized_model_filepath = str(optimised)
    weights = "session.optimized_model_external_initializers_"
    options.add_session_config_entry(f"{weights}file_name", f"{optimised.name}.bin")
    options.add_session_config_entry(f"{weights}min_size_in_bytes", "1024")


def _options(runtime: Runtime) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = ORT_LOG_NOTHING
    options.intra_op_num_threads = runtime.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = LEVELS[runtime.optimization_level]
    # Spinning threads use CPU for 33 ms after each run, during the other model's turn.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    for key, value in runtime.session_options.items():
        options.add_session_config_entry(key, value)
    return options


def _of(runtime: Runtime, one: Provider) -> Mapping[str, str]:
    """Return the options of one provider, given under any of its names."""
    return next((o for p, o in runtime.provider_options.items() if provider(p) == one), {})


def _append(
    options: ort.SessionOptions,
    one: Provider,
    chosen: Mapping[str, Sequence[ort.OrtEpDevice]],
    given: Mapping[str, str],
    threads: int,
) -> None:
    """Add one provider to options with plugin devices; the CPU is always added last anyway."""
    if devices := chosen.get(one.name):
        options.add_provider_for_devices(devices, _pinned(one, given, threads))
    elif one.name != PROVIDERS[CPU].name:
        plugins.check_builtin([one])
        options.add_provider(one.name, dict(given))


def _pinned(one: Provider, given: Mapping[str, str], threads: int) -> dict[str, str]:
    """Complete a provider's options.

    OpenVINO computes in bf16 if the CPU can, so its precision is set to float32 unless the user
    sets it, also in OpenVINO's spelling (``INFERENCE_PRECISION_HINT=bf16``).
    """
    if one.plugin != "onnxruntime_ep_openvino" or {"load_config", "precision"} & set(given):
        return {k: v for k, v in given.items() if k != "device_type" or not plugins.is_plugin(one)}
    device = given.get("device_type", "CPU").upper()
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    if device == "CPU" and threads:
        config["INFERENCE_NUM_THREADS"] = str(threads)
    config |= {k: v for k, v in given.items() if k.isupper()}
    rest = {k: v for k, v in given.items() if not k.isupper() and k != "device_type"}
    if not plugins.is_plugin(one):
        rest["device_type"] = device
    return rest | {"load_config": json.dumps({device: config})}


def runner(
    made: ort.InferenceSession, feeds: Mapping[str, Array], model: ModelFile
) -> Callable[[], list[Any]]:
    """Bind a session to its inputs; each call runs it once and returns all outputs.

    Numpy lacks types such as bfloat16; if an input or output has one, all are passed as ONNX
    Runtime's own values.
    """
    plain = all(array.dtype.isbuiltin == 1 for array in feeds.values())
    if plain and all(_in_numpy(output.type) for output in made.get_outputs()):
        return partial(made.run, None, dict(feeds))
    types = {value.name: value.dtype for value in model.inputs}
    own = {name: _own(array, types[name]) for name, array in feeds.items()}
    return partial(made.run_with_ort_values, None, own)


def _in_numpy(kind: str) -> bool:
    """Whether numpy can hold an output: "seq(tensor(float))" but not "tensor(int4)"."""
    return not re.search(rf"\(({'|'.join(EXOTIC)})", kind)


def _own(array: Array, dtype: str) -> ort.OrtValue:
    if array.dtype.isbuiltin == 1:
        return ort.OrtValue.ortvalue_from_numpy(array)
    bits = array.view({1: "u1", 2: "u2"}[array.dtype.itemsize])
    return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, NUMBERS[dtype])


def placement(made: ort.InferenceSession) -> list[tuple[str, list[str]]]:
    """Read which provider got which nodes: (short name, node names), one entry per subgraph."""
    if not hasattr(made, "get_provider_graph_assignment_info"):  # before ONNX Runtime 1.24
        return []
    return [
        (short_name(part.ep_name), [node.name for node in part.get_nodes()])
        for part in made.get_provider_graph_assignment_info()
    ]
