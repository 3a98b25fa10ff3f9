"""Execution providers by name, and errors that say whose fault they are."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidGraph

from sepcost.errors import MeasurementError, ModelError, SepcostError
from sepcost.latency import child, runtime
from sepcost.latency.jobs import Job, ModelFile, Runtime
from sepcost.latency.measure import bench
from sepcost.latency.providers import PROVIDERS, provider, short_name
from sepcost.latency.settings import Settings
from sepcost.latency.worker import relative_error
from sepcost.network import Role, Value

OPENVINO = PROVIDERS["openvino"]


@pytest.mark.parametrize("name", ["cuda", "CUDA", "CUDAExecutionProvider", "cudaexecutionprovider"])
def test_a_provider_has_two_names(name):
    assert provider(name) is PROVIDERS["cuda"]


def test_short_names_invert():
    assert [short_name(p.name) for p in PROVIDERS.values()] == list(PROVIDERS)
    assert short_name("AcmeExecutionProvider") == "AcmeExecutionProvider"


@pytest.mark.parametrize(
    ("name", "says"), [("opnvino", "did you mean 'openvino'"), ("zzzz", "choose from cpu, cuda")]
)
def test_an_unknown_provider_gets_the_nearest(name, says):
    with pytest.raises(SepcostError, match=says) as caught:
        provider(name)
    assert caught.value.exit_code == 2


def test_the_cpu_is_usable():
    usable = child.execute(Job("providers"), 60)["usable"]
    assert "cpu" in {one["provider"] for one in usable}
    assert {one["provider"] for one in usable} <= set(PROVIDERS)


def test_a_job_survives_serialisation():
    model = ModelFile("m", Path("/x/m.onnx"), (Value("x", (1, 2), "int64", Role.INPUT),))
    asked = Runtime(("openvino", "cpu"), {"openvino": {"k": "v"}}, {"a": "b"}, 3, "basic")
    job = Job("launch", [model], asked, Path("/x/in.npz"), 5, 6, 0.7)
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job


def pinned(threads: int = 1, **given: str) -> dict[str, dict[str, str]]:
    options = runtime._pinned(OPENVINO, given, threads)
    found: dict[str, dict[str, str]] = json.loads(options["load_config"])
    return found


def test_openvino_computes_in_float32_on_as_many_threads():
    assert pinned(2) == {"CPU": {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "2"}}


def test_openvino_keeps_its_own_threads_by_default():
    assert pinned(0) == {"CPU": {"INFERENCE_PRECISION_HINT": "f32"}}


def test_openvino_computes_otherwise_when_asked():
    assert pinned(INFERENCE_PRECISION_HINT="bf16")["CPU"]["INFERENCE_PRECISION_HINT"] == "bf16"
    assert runtime._pinned(OPENVINO, {"precision": "FP16"}, 1) == {"precision": "FP16"}
    own = {"load_config": "{}"}
    assert runtime._pinned(OPENVINO, own, 1) == own


def test_openvino_on_another_device():
    assert pinned(device_type="gpu") == {"GPU": {"INFERENCE_PRECISION_HINT": "f32"}}


def test_options_of_other_providers_are_left_alone():
    assert runtime._pinned(PROVIDERS["cuda"], {"device_id": "1"}, 1) == {"device_id": "1"}


@pytest.mark.parametrize(
    ("message", "kind", "says"),
    [
        ("Failed to allocate memory for requested buffer of size 4", MeasurementError, "smaller"),
        ("std::bad_alloc", MeasurementError, "out of memory while running"),
        ("com.acme:X(-1) is not a registered function/op", ModelError, "cannot run it"),
        ("CUDA failure 700", MeasurementError, "failed while running"),
    ],
)
def test_an_error_is_one_line_that_says_whose_it_is(message, kind, says):
    found = runtime.explain(RuntimeError(message + "\n  at kernel.cc"), "running", "m.onnx")
    assert type(found) is kind
    assert str(found).startswith("m.onnx: ")
    assert says in str(found)
    assert "\n" not in str(found)


def test_errors_of_onnx_runtime_lose_their_preamble():
    text = "[ONNXRuntimeError] : 10 : INVALID_GRAPH : Load model from /a b/m.onnx failed:Bad node"
    found = runtime.explain(InvalidGraph(text), "loading", "m.onnx")
    assert type(found) is ModelError
    assert str(found).endswith("cannot run it: Bad node")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Pad node."
            " Name:'p' Status Message: /src/core/common.h:31 int64_t ort::Axis(int64_t, int64_t)"
            " axis >= 0 was false. axis 5 is not in valid range [-4,3]",
            "Status Message: axis >= 0 was false. axis 5 is not in valid range [-4,3]"
            "; check its inputs (--inputs, --shape, --bind)",
        ),
        (
            "Exception during initialization: /src/rnn.h:4 ort::R<T>::R(const I&) [with T = float]"
            " layout_ == 0 was false.",
            "initialization: layout_ == 0 was false"
            "; export that operator differently, or use another --provider",
        ),
        (
            "Status Message: /src/conv.cc:52 virtual S ort::Conv::Compute(K*) const Scalar(w)"
            " was false.",
            "Status Message: Scalar(w) was false.",
        ),
        (
            "Got invalid dimensions for input: x for the following indices\n"
            " index: 0 Got: 1 Expected: 0\n Please fix either the inputs/outputs or the model.",
            "index: 0 Got: 1 Expected: 0 Please fix either the inputs/outputs or the model"
            "; a size of 0 in the model means unknown here: give that dimension a name instead",
        ),
        (
            "External data path validation failed for initializer: w. Error: protoutils.cc:619"
            ' FromDir External data path does not exist: "/a/w.data"',
            'Error: External data path does not exist: "/a/w.data"'
            "; put the data file where the model refers to it",
        ),
        (
            "Deserialize tensor w failed.tensorprotoutils.cc:2201 GetExtDataFromTensorProto"
            " External initializer: w offset: 0 size to read: 9216 given file_length: 129 are"
            " out of bounds or can not be read in full.",
            "Deserialize tensor w failed.External initializer: w offset: 0 size to read: 9216 given"
            " file_length: 129 are out of bounds or can not be read in full; that data file is too"
            " short: fetch it again (a Git LFS pointer with 'git lfs pull')",
        ),
        (
            "Could not find an implementation for Add(6) node with name 'a'",
            "'a'; convert it to an opset that has one (onnx.version_converter),"
            " or use another --provider",
        ),
    ],
)
def test_an_error_names_the_fault_and_the_remedy_but_no_source_line(said, words):
    assert str(runtime.explain(RuntimeError(said), "running", "m")).endswith(words)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8e5m2", "float8e4m3fn", "int4"])
def test_types_that_numpy_lacks_are_fed_and_returned(tmp_path, dtype):
    model = onnx.parser.parse_model(
        f'<ir_version: 11, opset_import: ["": 21]> net ({dtype}[4] x) => (float[4] y, {dtype}[4] z)'
        f"{{ y = Cast <to = 1> (x) z = Cast <to = {onnx.TensorProto.DataType.Value(dtype.upper())}>"
        " (y) }"
    )
    onnx.save(model, tmp_path / "m.onnx")
    value = Value("x", (4,), dtype, Role.INPUT)
    found = bench(
        [ModelFile("m", tmp_path / "m.onnx", (value,))], Settings(min_launches=1, max_launches=1)
    )
    assert found.models[0].runs > 0


@pytest.mark.parametrize(
    ("found", "expected", "error"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.1], [1.0, 2.0], 0.05),  # relative to the largest expected value
        ([0.5], [0.0], 0.5),
        ([np.nan], [1.0], None),
        ([np.inf], [1.0], None),
        ([1.0], [1.0, 2.0], None),
        ([], [], 0.0),
        ([200], [100], 1.0),
    ],
)
def test_relative_error(found, expected, error):
    result = relative_error(np.array(found), np.array(expected))
    assert result == (None if error is None else pytest.approx(error))


def test_unsigned_integers_do_not_wrap():
    assert relative_error(np.uint8([1]), np.uint8([2])) == 0.5  # type: ignore[arg-type]
