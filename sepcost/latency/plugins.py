"""Execution providers in plugin libraries, registered with ONNX Runtime when needed.

Since ONNX Runtime 1.25, a registered plugin is listed among the available providers, but a session
that requests it by name may silently ignore it. So the built-in providers are listed before any
plugin is registered, and plugins are requested only by their devices.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import onnxruntime as ort

from sepcost.errors import MeasurementError
from sepcost.latency import ort_errors
from sepcost.latency.providers import PROVIDERS, Provider, short_name

#: Kinds of devices, in order of preference.
KINDS = ("NPU", "GPU", "CPU")


@dataclass(frozen=True, slots=True)
class Usable:
    """One provider of this installation: its devices, or why it cannot be used."""

    provider: str
    devices: tuple[str, ...]
    plugin: bool
    reason: str = ""


def _builtin() -> frozenset[str]:
    """All available providers, except plugins that the importing program has registered."""
    plugins = {d.ep_name for d in ort.get_ep_devices() if "library_path" in d.ep_metadata}
    return frozenset(ort.get_available_providers()) - plugins


#: Providers compiled into ONNX Runtime.
BUILTIN: frozenset[str] = _builtin()


def is_plugin(one: Provider) -> bool:
    """Whether a provider is an installed plugin."""
    if one.plugin is None or one.name in BUILTIN:
        return False
    return importlib.util.find_spec(one.plugin) is not None


def check_builtin(wanted: Iterable[Provider]) -> None:
    """Check that providers are compiled into this ONNX Runtime.

    Raises
    ------
    MeasurementError
        If one is not; the message says how to get it.
    """
    for one in wanted:
        if one.name not in BUILTIN:
            have = ", ".join(short_name(name) for name in sorted(BUILTIN))
            raise MeasurementError(
                f"provider {short_name(one.name)!r} is not installed (this ONNX Runtime has "
                f"{have}); to get it: {one.package}"
            )


def devices(one: Provider, options: Mapping[str, str]) -> Sequence[ort.OrtEpDevice]:
    """Register a plugin and choose one of its devices, by ``device_type`` if given.

    Raises
    ------
    MeasurementError
        If the plugin cannot be loaded, or has no device of this type.
    """
    name = short_name(one.name)
    try:
        register(one)
    except Exception as error:  # a plugin may raise anything while it is imported
        raise MeasurementError(
            f"provider {name!r} is installed but cannot be loaded: {ort_errors.plain(error)}"
        ) from error
    offered = _devices(one)
    asked = options.get("device_type", "").upper()
    kinds = [asked] if asked else [one.device or "", *KINDS]
    ranked = [d for kind in kinds for d in offered if d.device.type.name == kind]
    if not ranked:
        what = f"no {asked} device" if offered else "no device"
        hint = f"; {one.hint}" if one.hint else ""
        raise MeasurementError(
            f"provider {name!r} is installed but finds {what} on this machine "
            f"('sepcost providers' lists what can be used){hint}"
        )
    return ranked[:1]


def _devices(one: Provider) -> list[ort.OrtEpDevice]:
    return [device for device in ort.get_ep_devices() if device.ep_name == one.name]


def register(one: Provider) -> None:
    """Load a plugin library, once per process."""
    if _devices(one) or one.name in _REGISTERED:
        return
    module = importlib.import_module(str(one.plugin))
    path = getattr(module, "get_library_path", None) or module.library_path
    ort.register_execution_provider_library(one.name, str(path()))
    _REGISTERED.add(one.name)


_REGISTERED: set[str] = set()  # including plugins without a device


def usable(wanted: Iterable[str]) -> tuple[Usable, ...]:
    """List the built-in providers that are known, and the ``wanted`` plugins."""
    providers = [_usable(name, one) for name, one in PROVIDERS.items() if one.name in BUILTIN]
    for name in wanted:
        if is_plugin(one := PROVIDERS[name]):
            try:
                register(one)
            except Exception as error:
                providers.append(Usable(name, (), plugin=True, reason=ort_errors.plain(error)))
            else:
                providers.append(_usable(name, one))
    return tuple(providers)


def _usable(name: str, one: Provider) -> Usable:
    labels = [f"{d.device.type.name} {d.device.vendor}".strip() for d in _devices(one)]
    return Usable(name, tuple(labels), one.name not in BUILTIN)
