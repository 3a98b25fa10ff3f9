"""From a layer spec to its model: text, document, Spec, ONNX; faults get their line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sepcost.errors import SpecError
from sepcost.model.spec.construct import build_model
from sepcost.model.spec.language import Spec
from sepcost.model.spec.lines import FaultError, located
from sepcost.model.spec.schema import parse
from sepcost.model.spec.source import document, read
from sepcost.model.spec.values import positive

if TYPE_CHECKING:
    import onnx


def build(
    text_or_path: str | Path,
    multipliers: Mapping[str, float | None],
    weights: bool,
    origin: str | None,
) -> onnx.ModelProto:
    """Build the ONNX model of a layer spec, as ``sepcost.model.spec.build`` describes."""
    source = read(text_or_path, origin)
    try:
        spec = parse(document(source), source.name)
        return build_model(_with(spec, multipliers), weights=weights)
    except FaultError as fault:
        raise located(fault, source.text, source.origin) from None


def _with(spec: Spec, given: Mapping[str, float | None]) -> Spec:
    try:
        multipliers = {key: positive(v, (key,)) for key, v in given.items() if v is not None}
    except FaultError as fault:  # the caller's, not the file's
        key = str(fault.place[0])
        value = given[key]
        typed = format(value, "g") if isinstance(value, int | float) else repr(value)
        raise SpecError(f"--{key} {typed}: {str(fault).partition(',')[0]}") from None
    return replace(spec, **multipliers)  # type: ignore[arg-type]  # the keys are the two fields
