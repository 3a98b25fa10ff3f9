"""Generate the tables of figures from the results: ``python -m benchmarks.table``.

Prints them; ``--write`` puts them into the README and benchmarks/README.md, ``--check`` fails if
those pages quote other figures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import ABLATIONS, FIGURES, HEADINGS, Document, Figures
from benchmarks.results import RESULTS, ROOT, read

README = ROOT / "README.md"
#: Each page with the name of its markers, its tables and their headings.
PAGES: Mapping[Path, tuple[str, Figures, Mapping[str, str]]] = {
    README: ("figures", FIGURES, HEADINGS),
    ROOT / "benchmarks" / "README.md": ("ablations", ABLATIONS, {}),
}


def main() -> None:
    """Print, write or check the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--write", action="store_true", help="put them into the pages")
    parser.add_argument("--check", action="store_true", help="compare them with the pages")
    options = parser.parse_args()
    results = read(options.results)
    for page, (name, figures, headings) in PAGES.items():
        made, text = tables(results, figures, headings), page.read_text(encoding="utf-8")
        if options.write:
            page.write_text(replaced(text, name, made), encoding="utf-8")
        elif not options.check:
            print(made)
        elif replaced(text, name, made) != text:
            sys.exit(f"{page.relative_to(ROOT)} is out of date: python -m benchmarks.table --write")


def quoted(text: str, name: str) -> str:
    """Return what is between the markers of a page."""
    begin, end = _markers(name)
    return text.split(begin)[1].split(end, maxsplit=1)[0]


def replaced(text: str, name: str, made: str) -> str:
    """Put tables between the markers of a page."""
    begin, end = _markers(name)
    head, rest = text.split(begin)
    return f"{head}{begin}{made}{end}{rest.split(end)[1]}"


def _markers(name: str) -> tuple[str, str]:
    return f"<!-- {name} -->\n", f"<!-- /{name} -->\n"


def tables(results: Mapping[str, Document], figures: Figures, headings: Mapping[str, str]) -> str:
    """Lay out the tables of every part that has results, each with its origin."""
    blocks = []
    for part, made in figures.items():
        if document := results.get(part):
            blocks += [f"### {headings[part]}"] if part in headings else []
            blocks += [*made(document), _origin(part, document)]
    return "\n\n".join(blocks) + "\n"


def _origin(part: str, document: Document) -> str:
    """Return the command, the machine and the date."""
    machine = document["machine"]
    day = document["date"].split("T")[0]
    load = f", load {machine['load_before']:.1f}" if machine["load_before"] is not None else ""
    where = f"{machine['cores']} cores of an {machine['cpu']}{load}, {day}"
    return f"<sub>`{_command(part, document['options'])}`: {where}</sub>"


def _command(part: str, given: Sequence[str]) -> str:
    """Return the command that remakes a part; one with its own options runs alone."""
    if set(given) <= {"--quick"}:
        return " ".join(["python -m benchmarks", *given, f"--only {part}"])
    return " ".join([f"python -m benchmarks.{part}", *given])


if __name__ == "__main__":
    main()
