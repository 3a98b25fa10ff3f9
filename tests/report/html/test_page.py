"""The page is one well-formed file that escapes names and loads nothing."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from sepcost.report.html import page as module
from sepcost.report.html.parts import Page, PagePart, Tile
from sepcost.report.text import terminal
from tests.report.html import pages

VOID = {"meta", "link", "br", "img", "input"}
VENDOR = files("sepcost.report.html") / "vendor"


class Reader(HTMLParser):
    """Collects open elements, attributes that load, scripts and texts."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.loads, self.scripts, self.text, self.ids = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.loads += [found[name] for name in ("src", "href", "srcset", "action") if name in found]
        self.ids += [found["id"]] if "id" in found else []
        if tag == "script":
            self.scripts.append((found, []))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        if inside == "script":
            self.scripts[-1][1].append(data)
        elif inside != "style":
            self.text.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def data(text):
    (found,) = [body for attributes, body in read(text).scripts if "id" in attributes]
    return json.loads("".join(found))


@pytest.mark.parametrize("name", pages.NAMES)
def test_pages_are_well_formed_and_load_nothing(name):
    reader = read(pages.page(name))
    assert all(link.startswith(("#", "data:,")) for link in reader.loads)
    assert len(set(reader.ids)) == len(reader.ids)
    assert {link[1:] for link in reader.loads if link.startswith("#")} <= {*reader.ids}


@pytest.mark.parametrize("name", pages.NAMES)
def test_the_policy_allows_our_scripts_and_nothing_else(name):
    text = pages.page(name)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    allowed = re.findall(r"sha256-([^&]*)&#39;", policy)
    run = ["".join(body) for attributes, body in read(text).scripts if not attributes]
    hashes = [base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in run]
    assert allowed == hashes
    assert policy.startswith("default-src &#39;none&#39;;")
    assert "http" not in policy
    assert "unsafe-eval" not in policy


def test_plotly_is_the_one_that_was_released():
    note = json.loads((VENDOR / "plotly-basic.json").read_text("utf-8"))
    script = (VENDOR / "plotly-basic.min.js").read_bytes()
    assert hashlib.sha256(script).hexdigest() == note["sha256"]
    assert f"v{note['version']}".encode() in script[:200]
    assert note["license"] == "MIT"
    assert "MIT License" in (VENDOR / "LICENSE").read_text("utf-8")


def test_a_page_without_charts_carries_no_plotly():
    assert len(module.render(Page("t", "", (PagePart("p", "P"),), "analyze"))) < 50_000


@pytest.mark.parametrize("name", pages.HOSTILE)
def test_names_stay_text(name):
    plain = pages.hostile("plain")
    for kind, text in pages.hostile(name).items():
        reader = read(text)
        told = plain[kind]
        assert len(reader.scripts) == len(read(told).scripts)
        assert all(link.startswith(("#", "data:,")) for link in reader.loads)
        assert terminal(name) in "".join(reader.text) or terminal(name) in str(data(text))
        body = text.split("<body>")[1].split('<script type="application/json"')[0]
        assert name not in body or name == terminal(name)
        assert name not in body or not set("<>&") & set(name)


def test_tiles_are_escaped():
    tile = Tile("<b>", "<i>", "&amp;", 1.5)
    text = module.render(Page("<u>", "<s>", (PagePart("p", "P", tiles=(tile,)),), "analyze"))
    body = text.split("<body>")[1].split('<script type="application/json"')[0]
    assert not re.search(r"<[buis]>", body)
    assert "&amp;amp;" in body


@pytest.mark.parametrize("text", ["</script>", "<!--", "&amp;", "\u2028", "\u2029", "é"])
def test_embedded_json_cannot_leave_its_element(text):
    shown = module.embed({"name": text})
    assert not set("<>&\u2028\u2029") & set(shown)
    assert json.loads(shown) == {"name": text}


def test_no_number_that_json_lacks():
    with pytest.raises(ValueError, match="Out of range"):
        module.embed([float("nan")])
