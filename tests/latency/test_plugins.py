"""Plugin libraries: when they are registered, which device is chosen, and what goes wrong."""

import sys
from types import SimpleNamespace

import pytest

from sepcost.errors import MeasurementError
from sepcost.latency import plugins, runtime
from sepcost.latency.jobs import Runtime
from sepcost.latency.providers import PROVIDERS

QNN, WEBGPU, OPENVINO, GGML = (PROVIDERS[n] for n in ("qnn", "webgpu", "openvino", "ggml"))
CPU = "CPUExecutionProvider"


def device(name, kind="CPU", library="x.so"):
    hardware = SimpleNamespace(type=SimpleNamespace(name=kind), vendor="Acme")
    metadata = {"library_path": library} if library else {}
    return SimpleNamespace(ep_name=name, device=hardware, ep_metadata=metadata)


class FakeRuntime:
    """ONNX Runtime as of 1.25: registered plugins are among the available providers."""

    def __init__(self, *offers):
        self.offers, self.registered = offers, []

    def get_ep_devices(self):
        there = [device(CPU, library="")]
        return there + [d for d in self.offers if d.ep_name in dict(self.registered)]

    def get_available_providers(self):
        return list(dict.fromkeys(d.ep_name for d in self.get_ep_devices()))

    def register_execution_provider_library(self, name, path):
        if name in dict(self.registered):
            raise RuntimeError(f"EP library is already registered under {name}")
        self.registered.append((name, path))


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Make a runtime with plugins that are installed: ``fake(device, ...)``."""

    def make(*offers):
        found = FakeRuntime(*offers)
        monkeypatch.setattr(plugins, "ort", found)
        monkeypatch.setattr(plugins, "BUILTIN", frozenset({CPU}))
        monkeypatch.setattr(plugins, "_REGISTERED", set())
        return found

    module = "def {}():\n    return 'lib.so'\n"
    (tmp_path / "onnxruntime_qnn.py").write_text(module.format("get_library_path"))
    (tmp_path / "onnxruntime_ep_webgpu.py").write_text(module.format("get_library_path"))
    (tmp_path / "onnxruntime_ggml.py").write_text(module.format("library_path"))
    (tmp_path / "onnxruntime_ep_openvino.py").write_text("raise OSError('libtbb.so: none')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield make
    for name in {str(one.plugin) for one in PROVIDERS.values()} & set(sys.modules):
        del sys.modules[name]


def kinds(found):
    return [one.device.type.name for one in found]


def test_a_plugin_stays_one_after_it_is_registered(fake):
    there = fake(device(QNN.name))
    plugins.register(QNN)
    assert QNN.name in there.get_available_providers()
    assert plugins.is_plugin(QNN)
    with pytest.raises(MeasurementError, match="is not installed"):
        plugins.check_builtin([QNN])


def test_plugins_of_the_importing_program_are_not_built_in(fake):
    there = fake(device(QNN.name))
    there.registered.append((QNN.name, "lib.so"))
    assert plugins._builtin() == {CPU}
    plugins.register(QNN)  # and not again
    assert there.registered == [(QNN.name, "lib.so")]


@pytest.mark.parametrize("one", [QNN, GGML], ids=lambda one: one.name)
def test_a_library_is_registered_once_however_its_module_names_it(fake, one):
    there = fake()  # no device: what is registered cannot be seen
    plugins.register(one)
    plugins.register(one)
    assert there.registered == [(one.name, "lib.so")]


@pytest.mark.parametrize(
    ("one", "offered", "options", "taken"),
    [
        (QNN, ["CPU", "GPU", "NPU"], {}, ["NPU"]),
        (QNN, ["CPU", "GPU", "NPU"], {"device_type": "gpu"}, ["GPU"]),
        (WEBGPU, ["CPU"], {}, ["CPU"]),
        (OPENVINO, ["GPU", "CPU"], {}, ["CPU"]),
    ],
)
def test_the_device_is_the_requested_or_the_most_specialised_one(
    fake, tmp_path, one, offered, options, taken
):
    (tmp_path / "onnxruntime_ep_openvino.py").write_text("get_library_path = lambda: 'x'\n")
    fake(*(device(one.name, kind) for kind in offered))
    assert kinds(plugins.devices(one, options)) == taken


def test_a_missing_device_is_named(fake):
    fake(device(QNN.name))
    with pytest.raises(MeasurementError, match="'qnn' is installed but finds no GPU device"):
        plugins.devices(QNN, {"device_type": "GPU"})
    with pytest.raises(MeasurementError, match=r"finds no device .*SOFTWARE_ADAPTER=1"):
        plugins.devices(WEBGPU, {})


def test_a_plugin_that_does_not_load_gives_its_reason(fake):
    fake()
    with pytest.raises(MeasurementError, match=r"cannot be loaded: libtbb\.so: none") as caught:
        plugins.devices(OPENVINO, {})
    assert caught.value.exit_code == 3


def test_a_provider_that_joins_no_session_says_what_it_needs(fake):
    fake(device(QNN.name))
    assert runtime.left_out(QNN).endswith(f"'qnn' is installed but does not start; {QNN.hint}")
    assert "install its drivers" in runtime.left_out(PROVIDERS["cuda"])


def test_a_plugin_that_does_not_load_leaves_the_others(fake):
    fake(device(QNN.name, "NPU"), device("QNNExecutionProvider.AUTO"))
    found = {one.provider: one for one in plugins.usable(["openvino", "qnn", "webgpu"])}
    assert list(found) == ["cpu", "openvino", "qnn", "webgpu"]
    assert found["openvino"].reason == "libtbb.so: none"
    assert (found["qnn"].devices, found["qnn"].plugin) == (("NPU Acme",), True)
    assert (found["webgpu"].devices, found["webgpu"].reason) == ((), "")
    assert not found["cpu"].plugin


def test_no_plugin_is_registered_unless_requested(fake):
    there = fake(device(QNN.name))
    assert [one.provider for one in plugins.usable(["cpu"])] == ["cpu"]
    assert there.registered == []


def test_a_session_names_what_is_missing():
    with pytest.raises(MeasurementError, match=r"'acl' is not installed .*--use_acl"):
        runtime.session(b"", Runtime(("acl",)))
