"""The JSON documents as Markdown, read from the shipped schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sepcost
from docs.tools.markup import table

SCHEMAS = Path(sepcost.__file__).parent / "report" / "schemas"
Schema = Mapping[str, Any]


def documents() -> Iterator[str]:
    """One section per schema: every key with its type."""
    for path in sorted(SCHEMAS.glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        yield f"### `{schema['$id']}`"
        if "description" in schema:
            yield schema["description"]
        rows = list(_keys(schema, schema.get("$defs", {}), "", ()))
        yield table(("key", "type", "description"), rows)


def _keys(
    schema: Schema, defs: Schema, prefix: str, seen: tuple[str, ...]
) -> Iterator[tuple[str, str, str]]:
    """Every key below ``schema``; recursive definitions are expanded once."""
    for name, part in schema.get("properties", {}).items():
        resolved, inside = _resolved(part, defs, seen)
        about = str(part.get("description", resolved.get("description", "")))
        yield f"`{prefix}{name}`", _type(part, defs), about
        yield from _below(resolved, defs, f"{prefix}{name}", inside)


def _below(
    schema: Schema, defs: Schema, name: str, inside: tuple[str, ...]
) -> Iterator[tuple[str, str, str]]:
    yield from _keys(schema, defs, f"{name}.", inside)
    for choice in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from _keys(*_with(choice, defs, inside, f"{name}."))
    if "items" in schema:
        yield from _keys(*_with(schema["items"], defs, inside, f"{name}[]."))


def _with(
    part: Schema, defs: Schema, inside: tuple[str, ...], prefix: str
) -> tuple[Schema, Schema, str, tuple[str, ...]]:
    schema, seen = _resolved(part, defs, inside)
    return schema, defs, prefix, seen


def _resolved(part: Schema, defs: Schema, seen: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
    name = part.get("$ref", "").removeprefix("#/$defs/")
    if not name:
        return part, seen
    return ({}, seen) if name in seen else (defs[name], (*seen, name))


def _type(part: Schema, defs: Schema) -> str:
    schema, _ = _resolved(part, defs, ())
    choices = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if choices:
        return " or ".join(dict.fromkeys(_type(choice, defs) for choice in choices))
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return ", ".join(f"`{json.dumps(value)}`" for value in values)
    kind = schema.get("type", "any")
    kinds = [kind] if isinstance(kind, str) else list(kind)
    return " or ".join(_listed(each, schema, defs) for each in kinds)


def _listed(kind: str, schema: Schema, defs: Schema) -> str:
    if kind == "array" and isinstance(schema.get("items"), dict):
        return f"list of {_type(schema['items'], defs)}"
    return "list" if kind == "array" else kind
