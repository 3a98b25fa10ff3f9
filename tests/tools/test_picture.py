"""The image in the README shows today's output of the command, and fetches nothing."""

import html
import re

from rich.text import Text

from docs.tools import picture

DRAWN = picture.TARGET.read_text(encoding="utf-8")


def shown(svg):
    """The text of the screen without spaces and without the title."""
    lines = re.findall(r"<text[^>]*clip-path[^>]*>([^<]*)</text>", svg)
    return "".join(html.unescape("".join(lines)).split())


def test_the_image_is_up_to_date():
    said = Text.from_ansi(picture.screen()).plain
    assert "8.10×" in said
    assert shown(DRAWN) == "".join(f"$ {picture.COMMAND} {said}".split()), (
        "run: python -m docs.tools.picture"
    )


def test_it_is_coloured_small_and_self_contained():
    assert len(set(re.findall(r"fill: (#\w{6})", DRAWN))) > 3
    assert len(DRAWN.encode()) < 100_000
    assert "url(" not in DRAWN.replace("url(#sepcost-", "")
    assert "href" not in DRAWN


def test_names_with_markup_stay_text():
    svg = picture.picture("\x1b[1m<script>[bold]x[/bold]\x1b[0m\n")
    assert "<script" not in svg
    assert shown(svg).endswith("<script>[bold]x[/bold]")
