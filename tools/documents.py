"""The JSON documents as Markdown, read from the schemas that ship with the package."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sepcost
from tools.markup import table

SCHEMAS = Path(sepcost.__file__).parent / "report" / "schemas"
Schema = Mapping[str, Any]


def documents() -> Iterator[str]:
    """One section a schema: every key with its type."""
    for path in sorted(SCHEMAS.glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        yield f"### `{schema['$id']}`"
        if "description" in schema:
            yield schema["description"]
        rows = list(_keys(schema, schema.get("$defs", {}), "", ()))
        yield table(("key", "type", ""), rows)


def _keys(
    schema: Schema, defs: Schema, prefix: str, seen: tuple[str, ...]
) -> Iterator[tuple[str, str, str]]:
    """Every key below ``schema``; one that contains itself is followed once."""
    for name, part in schema.get("properties", {}).items():
        found, inside = _resolved(part, defs, seen)
        about = str(part.get("description", found.get("description", "")))
        yield f"`{prefix}{name}`", _type(part, defs), about
        yield from _below(found, defs, f"{prefix}{name}", inside)


def _below(
    found: Schema, defs: Schema, name: str, inside: tuple[str, ...]
) -> Iterator[tuple[str, str, str]]:
    yield from _keys(found, defs, f"{name}.", inside)
    for choice in (*found.get("oneOf", ()), *found.get("anyOf", ())):
        yield from _keys(*_with(choice, defs, inside, f"{name}."))
    if "items" in found:
        yield from _keys(*_with(found["items"], defs, inside, f"{name}[]."))


def _with(
    part: Schema, defs: Schema, inside: tuple[str, ...], prefix: str
) -> tuple[Schema, Schema, str, tuple[str, ...]]:
    found, seen = _resolved(part, defs, inside)
    return found, defs, prefix, seen


def _resolved(part: Schema, defs: Schema, seen: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
    name = part.get("$ref", "").removeprefix("#/$defs/")
    if not name:
        return part, seen
    return ({}, seen) if name in seen else (defs[name], (*seen, name))


def _type(part: Schema, defs: Schema) -> str:
    found, _ = _resolved(part, defs, ())
    choices = [*found.get("oneOf", ()), *found.get("anyOf", ())]
    if choices:
        return " or ".join(dict.fromkeys(_type(choice, defs) for choice in choices))
    if "const" in found or "enum" in found:
        values = found.get("enum", [found.get("const")])
        return ", ".join(f"`{json.dumps(value)}`" for value in values)
    kind = found.get("type", "any")
    kinds = [kind] if isinstance(kind, str) else list(kind)
    return " or ".join(_listed(each, found, defs) for each in kinds)


def _listed(kind: str, found: Schema, defs: Schema) -> str:
    if kind == "array" and isinstance(found.get("items"), dict):
        return f"list of {_type(found['items'], defs)}"
    return "list" if kind == "array" else kind
