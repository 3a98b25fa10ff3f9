"""``import onnx`` without its Python start. Each case runs in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from sepcost.routes.analyze import analyze

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"

DEFERRED = "import sys; from sepcost.model.deferred_onnx import defer; defer(); "


def told(code):
    """Run code that prints JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["light_squeezenet", "light_densenet121"])
def test_counting_needs_neither_numpy_nor_the_start_nor_the_library_of_onnx(name):
    path = LIGHT / f"{name}.onnx"
    code = f"""
import json, sys
from sepcost.model.deferred_onnx import defer
defer()
import onnx
from sepcost.routes.analyze import analyze
macs = analyze({str(path)!r}).totals.macs
loaded = [name in sys.modules for name in ("numpy", "onnx.onnx_cpp2py_export")]
print(json.dumps([macs, *loaded, "load" in vars(onnx)]))
"""
    assert told(code) == [analyze(path).totals.macs, False, False, False]


@pytest.mark.parametrize(
    "use",
    [
        "import onnx; onnx.load",
        "import onnx; onnx.__version__",
        "from onnx import helper; helper.make_node('Relu', ['x'], ['y'])",
        "from onnx import *",
        "import onnx.numpy_helper",
        "import onnx.reference",
        "import onnx; onnx.checker.check_model",
    ],
)
def test_a_later_import_finds_all_of_onnx(use):
    everything = "import json, onnx; onnx.load; print(json.dumps(sorted(dir(onnx))))"
    code = f"{DEFERRED}{use}; {everything}"
    assert set(told(everything)) <= set(told(code))


def test_there_is_one_class_of_each_message():
    code = f"""{DEFERRED}
from onnx import ModelProto
import onnx, json
loaded = onnx.load({str(LIGHT / "light_squeezenet.onnx")!r})
print(json.dumps([type(loaded) is ModelProto, onnx is sys.modules["onnx"]]))
"""
    assert told(code) == [True, True]


def test_what_onnx_lacks_is_an_attribute_error():
    code = f"""{DEFERRED}
import onnx, json
print(json.dumps([hasattr(onnx, "no_such_thing"), hasattr(onnx, "load")]))
"""
    assert told(code) == [False, True]


def test_an_onnx_that_was_imported_stays():
    code = "import onnx, json; before = onnx; " + DEFERRED
    assert told(code + "import onnx; print(json.dumps(onnx is before))")
