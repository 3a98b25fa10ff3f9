"""docs/reference.md, made from the code: ``python -m tools.reference``; ``--check`` compares."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import sepcost
from sepcost.budget import config, metrics, units
from sepcost.cost.operators import FREE, NO_FORMULA, OPERATORS
from sepcost.model import spec
from tools.commands import commands
from tools.documents import documents
from tools.markup import fenced, from_rst, table

TARGET = Path(__file__).parents[1] / "docs" / "reference.md"
HEAD = """# Reference

Made from the code by `python -m tools.reference`; a test holds it current.

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
    yield "Errors are subclasses of `sepcost.SepcostError`, with one line that names the remedy."
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
    """The summary as prose, the rest as it stands in the code."""
    summary, _, rest = doc.partition("\n\n")
    yield summary.replace("``", "`")
    if rest:
        yield fenced(rest)


def _specs() -> Iterator[str]:
    yield from from_rst(inspect.getdoc(spec) or "")


def _networks() -> Iterator[str]:
    yield table(("name", "what it is"), [(f"`{n.name}`", n.description) for n in spec.networks()])


def _budgets() -> Iterator[str]:
    yield (
        "In `sepcost.toml`, or `[tool.sepcost]` of `pyproject.toml`: `[defaults]` for all models, "
        "`[budgets.\"GLOB\"]` for some. A budget is `metric = limit` or "
        "`metric = { max = limit, min = limit, level = \"error\" | \"warn\" }`."
    )  # fmt: skip
    rows = []
    for name, metric in metrics.METRICS.items():
        against = name in metrics.EXACT or name in metrics.AGAINST_BASELINE
        rows.append((
            f"`{name}`", "most" if metric.bound == "max" else "least",
            f"`{units.EXAMPLES[metric.dimension]}`".replace(" or ", "` or `"),
            "counted" if name in metrics.EXACT else "measured",
            f"`{name}{metrics.VS_BASELINE}`" if against else "",
            "yes" if name in metrics.PER_LAYER else "",
        ))  # fmt: skip
    yield table(("metric", "limit", "written", "how", "against a baseline", "per-layer"), rows)
    yield "`forbid-ops` takes a list of operators; `per-layer` a table of the metrics marked above."
    yield f"Keys beside budgets: {_listed(config.OPTIONS)}, `level`."
    yield f"Keys at the top: {_listed(config.TOP)}."
    said = [(f"`{word}`", f"`{meant}`") for word, meant in metrics.SYNONYMS.items()]
    yield "Words that are not taken, with the one that is suggested:"
    yield table(("word", "suggested"), said)


def _operators() -> Iterator[str]:
    counted: dict[str, list[str]] = {}
    for key, formula in OPERATORS.items():
        counted.setdefault((inspect.getdoc(formula) or "").split("\n\n")[0], []).append(_op(key))
    yield "Counted, by formula. MACs of one run; operators of other domains by `domain::name`."
    yield table(
        ("operators", "MACs"),
        [(", ".join(names), about.replace("``", "`")) for about, names in counted.items()],
    )
    yield f"Free by definition: {', '.join(map(_op, sorted(FREE)))}."
    yield f"Without an agreed formula, so unknown: {', '.join(map(_op, sorted(NO_FORMULA)))}."


def _op(key: tuple[str, str]) -> str:
    domain, name = key
    return f"`{domain}::{name}`" if domain else f"`{name}`"


def _listed(names: object) -> str:
    return ", ".join(f"`{name}`" for name in names)  # type: ignore[attr-defined]


def main(arguments: list[str]) -> int:
    """Write the page, or tell whether it is current."""
    made = text()
    if "--check" in arguments:
        return int(not TARGET.exists() or TARGET.read_text(encoding="utf-8") != made)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
