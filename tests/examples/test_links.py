"""Links in the pages lead to existing files, and anchors to headings."""

import re

import pytest

from tests.examples.commands import ROOT

PAGES = [
    ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"),
    *ROOT.glob("examples/*/README.md"), *ROOT.glob("benchmarks/*.md"),
]  # fmt: skip
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page):
    """The anchors that GitHub derives from the headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_have_targets(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
