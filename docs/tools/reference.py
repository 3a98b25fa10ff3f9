"""Generate docs/reference.md from the code: ``python -m docs.tools.reference [--check]``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import sepcost
from docs.tools.commands import commands
from docs.tools.documents import documents
from docs.tools.markup import fenced, from_rst, table
from sepcost.budget import config, metrics, units
from sepcost.cost.operators import FREE, NO_FORMULA, OPERATORS
from sepcost.model import spec

TARGET = Path(__file__).parents[1] / "reference.md"
HEAD = """# Reference

Generated from the code by `python -m docs.tools.reference`; a test fails if it is out of date.

[Commands](#commands) · [Python](#python) · [Layer specs](#layer-specs) ·
[Shipped networks](#shipped-networks) · [Budgets](#budgets) · [Operators](#operators) ·
[JSON](#json)"""


def text() -> str:
    """The whole page."""
    sections = {
        "Commands": commands, "Python": _python, "Layer specs": _specs,
        "Shipped networks": _networks, "Budgets": _budgets, "Operators": _operators,
        "JSON": documents,
    }  # fmt: skip
    blocks = [HEAD]
    for title, made in sections.items():
        blocks += [f"## {title}", *made()]
    return "\n\n".join(block.strip("\n") for block in blocks) + "\n"


def _python() -> Iterator[str]:
    yield "All errors are subclasses of `sepcost.SepcostError`: one line that names the remedy."
    for name in sepcost.__all__:
        function = getattr(sepcost, name)
        if inspect.isfunction(function):
            yield f"### `sepcost.{name}`"
            signature = inspect.signature(function)
            keys = "".join(f"    {each},\n" for each in _arguments(signature))
            yield fenced(f"{name}(\n{keys}) -> {signature.return_annotation}", "python")
            yield from _docstring(inspect.getdoc(function) or "")


def _arguments(signature: inspect.Signature) -> Iterator[str]:
    starred = False
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        given = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        yield f"{parameter.name}: {parameter.annotation}{given}"


def _docstring(doc: str) -> Iterator[str]:
    """The summary as prose, the rest verbatim."""
    summary, _, rest = doc.partition("\n\n")
    yield summary.replace("``", "`")
    if rest:
        yield fenced(rest)


def _specs() -> Iterator[str]:
    yield from from_rst(inspect.getdoc(spec) or "")


def _networks() -> Iterator[str]:
    yield table(("name", "description"), [(f"`{n.name}`", n.description) for n in spec.networks()])


def _budgets() -> Iterator[str]:
    yield (
        "Budgets are set in `sepcost.toml`, or under `[tool.sepcost]` in `pyproject.toml`: "
        "`[defaults]` apply to all models, `[budgets.\"GLOB\"]` to the models whose path matches. "
        "A budget is `metric = limit` or "
        "`metric = { max = limit, min = limit, level = \"error\" | \"warn\" }`."
    )  # fmt: skip
    rows = []
    for name, metric in metrics.METRICS.items():
        against = name in metrics.EXACT or name in metrics.AGAINST_BASELINE
        rows.append((
            f"`{name}`", "maximum" if metric.bound == "max" else "minimum",
            f"`{units.EXAMPLES[metric.dimension]}`".replace(" or ", "` or `"),
            "counted" if name in metrics.EXACT else "measured",
            f"`{name}{metrics.VS_BASELINE}`" if against else "",
            "yes" if name in metrics.PER_LAYER else "",
        ))  # fmt: skip
    yield table(("metric", "limit", "example", "value", "against a baseline", "per layer"), rows)
    yield "`forbid-ops` takes a list of operators, `per-layer` a table of the metrics marked here."
    yield f"Other keys of `[budgets]` and `[defaults]` tables: {_listed(config.OPTIONS)}, `level`."
    yield f"Top-level keys: {_listed(config.TOP)}."
    suggestions = [(f"`{word}`", f"`{meant}`") for word, meant in metrics.SYNONYMS.items()]
    yield "These names are rejected; the error suggests the right one:"
    yield table(("name", "suggestion"), suggestions)


def _operators() -> Iterator[str]:
    counted: dict[str, list[str]] = {}
    for key, formula in OPERATORS.items():
        counted.setdefault((inspect.getdoc(formula) or "").split("\n\n")[0], []).append(_op(key))
    yield "MACs of one run, by operator. Operators outside the default domain are `domain::name`."
    yield table(
        ("operators", "MACs"),
        [(", ".join(names), about.replace("``", "`")) for about, names in counted.items()],
    )
    yield f"Operators that do not count as MACs: {', '.join(map(_op, sorted(FREE)))}."
    yield f"Unknown, because there is no agreed formula: {', '.join(map(_op, sorted(NO_FORMULA)))}."


def _op(key: tuple[str, str]) -> str:
    domain, name = key
    return f"`{domain}::{name}`" if domain else f"`{name}`"


def _listed(names: object) -> str:
    return ", ".join(f"`{name}`" for name in names)  # type: ignore[attr-defined]


def main(arguments: list[str]) -> int:
    """Write the page; with ``--check``, return 1 if it is out of date."""
    made = text()
    if "--check" in arguments:
        return int(not TARGET.exists() or TARGET.read_text(encoding="utf-8") != made)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
