"""Pages in headless Chromium: complete, usable by keyboard, without errors or requests."""

from typing import Any

import pytest

import sepcost
from sepcost.cost.groups import groups
from sepcost.report.analyze import html as analyze
from sepcost.report.convert.words import error
from sepcost.report.html.page import render
from sepcost.report.html.parts import Col, Page, PagePart, Section, table
from sepcost.report.text import terminal
from sepcost.report.units import duration, human, percent, times
from sepcost.report.view import View
from tests.report.html import pages
from tests.report.html.browser import started

pytestmark = pytest.mark.browser
LAYERS = "m0-layers"


@pytest.fixture(scope="module")
def browser():
    with started() as found:
        yield found


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", pages.NAMES)
def test_every_chart_is_drawn_and_nothing_else_happens(browser, name, dark):
    browser.open(pages.page(name), dark)
    said, asked = browser.logs()
    assert said == []
    assert {address.partition(":")[0] for address in asked} <= {"file", "data"}
    assert [address for address in asked if address.startswith("file")] == [
        browser.driver.current_url
    ]
    drawn = browser.js(
        "return [...document.querySelectorAll('.chart')].map((host) => [host.dataset.drawn,"
        "host.querySelectorAll('.trace, .bars .point, .scatterlayer path').length > 0])"
    )
    assert drawn == [["true", True]] * len(drawn)
    tables = browser.js("return [...document.querySelectorAll('.host.table')].map("
                        "(host) => host.querySelectorAll('tbody tr').length > 0)")  # fmt: skip
    assert all(tables)


def test_most_pages_have_charts(browser):
    found = {}
    for name in ("analyze", "bench", "convert", "check", "diff", "report"):
        browser.open(pages.page(name))
        kinds = "return [...document.querySelectorAll('.chart')].map((host) => host.classList[2])"
        found[name] = set(browser.js(kinds))
    assert found["analyze"] == {"compared", "steps"}
    assert found["bench"] == {"intervals", "distribution", "roofline"}
    assert {"promised", "frontier", "intervals", "distribution"} <= found["convert"]
    assert found["check"] == {"shares"}
    assert found["diff"] == {"changes"}
    assert found["analyze"] | found["bench"] | {"promised", "frontier"} == found["report"]


def test_numbers_are_those_of_the_document(browser):
    browser.open(pages.page("analyze"))
    (model,) = pages.document("analyze")["models"]
    macs = [layer["macs"] for layer in model["layers"]]
    assert browser.values(LAYERS, "MACs") == macs
    assert browser.values(LAYERS, "params") == [layer["params"] for layer in model["layers"]]
    shown = [row[3 + 1] for row in browser.cells(LAYERS)]
    assert shown == [human(value) for value in macs]
    tiles = browser.js("return [...document.querySelectorAll('.tile .value')].map("
                       "(tile) => Number(tile.dataset.value))")  # fmt: skip
    totals = model["totals"]
    assert tiles[:4] == [
        totals[key] for key in ("macs", "separable_macs", "params", "separable_params")
    ]


def test_headings_sort_by_mouse_and_keyboard(browser):
    from selenium.webdriver.common.keys import Keys

    browser.open(pages.page("analyze"))
    before = browser.values(LAYERS, "params")
    button = browser.heading(LAYERS, "params")
    button.click()
    assert browser.values(LAYERS, "params") == sorted(before, reverse=True)
    sorts = f"return [...document.querySelectorAll('#{LAYERS} [aria-sort]')].map("
    assert browser.js(sorts + "(one) => one.getAttribute('aria-sort'))") == ["descending"]
    button.send_keys(Keys.ENTER)
    assert browser.values(LAYERS, "params") == sorted(before)
    assert browser.js(sorts + "(one) => one.getAttribute('aria-sort'))") == ["ascending"]
    button.send_keys(Keys.SPACE)
    assert browser.values(LAYERS, "params") == before
    assert browser.js(sorts + "(one) => 1)") == []


def test_words_with_numbers_sort_naturally(browser):
    browser.open(pages.page("analyze"))
    browser.heading(LAYERS, "layer").click()
    names = [row[0] for row in browser.cells(LAYERS)]
    assert names.index("conv_2") < names.index("conv_10")


def test_the_filter_keeps_what_matches_and_says_how_many(browser):
    browser.open(pages.page("analyze"))
    everything = len(browser.cells(LAYERS))
    field = browser.find(f"#{LAYERS} input")
    field.send_keys("GEMM")
    rows = browser.cells(LAYERS)
    assert {row[1] for row in rows} == {"Gemm"}
    count = browser.find(f"#{LAYERS} .count")
    assert count.text == f"3 of {everything} rows"
    assert count.get_attribute("aria-live") == "polite"
    field.clear()
    field.send_keys("no such layer")
    assert browser.cells(LAYERS) == []


def test_groups_sum_up_and_open(browser):
    from selenium.webdriver.support.select import Select

    browser.open(pages.page("analyze"))
    Select(browser.find(f"#{LAYERS} select")).select_by_visible_text("op")
    found = groups(sepcost.analyze("vgg16"), "op")
    rows = browser.cells(LAYERS)
    assert {row[0] for row in rows} == {f"{one.key} · {one.layers}" for one in found}
    assert sorted(browser.values(LAYERS, "MACs")) == sorted(one.macs for one in found)
    browser.find(f"#{LAYERS} .group button").click()
    opened = browser.find(f"#{LAYERS} .group button")
    assert opened.get_attribute("aria-expanded") == "true"
    assert len(browser.cells(LAYERS)) == len(rows) + int(opened.text.split(" · ")[1])
    assert browser.js("return document.activeElement.textContent") == opened.text


def test_a_click_on_a_bar_finds_its_layer(browser):
    browser.open(pages.page("analyze"))
    browser.js(
        "const host = document.querySelector('.chart.compared');"
        "host.emit('plotly_click', { points: [{ customdata: 'conv_10' }] })"
    )
    assert [row[0] for row in browser.cells(LAYERS)] == ["conv_10", "conv_10/relu"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("analyze", name) for name in pages.HOSTILE),
        *((kind, " ".join(pages.HOSTILE)) for kind in ("several", "bench", "check", "diff")),
        *((kind, pages.HOSTILE[0]) for kind in ("several", "bench", "check", "diff")),
    ],
)
def test_names_stay_text(browser, name, kind):
    browser.open(pages.hostile(name)[kind])
    assert browser.logs()[0] == []
    assert browser.js("return window.hacked === undefined")
    assert browser.js("return document.querySelectorAll('main img, main script').length") == 0
    links = "return [...document.querySelectorAll('main a')].map((one) => one.href)"
    assert all("javascript" not in link for link in browser.js(links))
    text = browser.js("return document.querySelector('main').textContent")
    assert terminal(name)[:30] in text


@pytest.mark.parametrize(
    "name", ["<b>bold</b>", "%{x} %{y:.3f}", "&lt;i&gt;&amp;", "<br>", "$x^2$"]
)
def test_charts_write_names_as_they_are(browser, name):
    browser.open(pages.hostile(name)["analyze"])
    ticks = browser.js("return [...document.querySelectorAll('.compared .xtick text')].map("
                       "(tick) => tick.textContent)")  # fmt: skip
    assert name in ticks
    host = "document.querySelector('.chart.compared')"
    browser.js(f"Plotly.Fx.hover({host}, [{{curveNumber: 0, pointNumber: 0}}])")
    browser.until(f"return {host}.querySelector('.hoverlayer .hovertext') !== null")
    assert name in browser.js(f"return {host}.querySelector('.hoverlayer').textContent")


def test_the_policy_stops_scripts_and_requests(browser):
    browser.open(pages.page("analyze"))
    browser.js(
        "const script = document.createElement('script'); script.textContent = 'window.hacked=1';"
        "document.body.append(script)"
    )
    assert browser.js("return window.hacked === undefined")
    assert browser.wait(
        "fetch('https://example.org/').then(() => done('sent'), () => done('refused'))"
    ) == "refused"  # fmt: skip


def test_numbers_read_as_in_the_terminal(browser):
    kinds: dict[str, Any] = {
        "count": (human, [0, 7, 999, 1000, 4209088, 568740352, 15470264320, 10**18, 1.26]),
        "bytes": (lambda value: human(value, "B"), [0, 12, 31_400_000]),
        "ns": (duration, [0, 12, 999, 12_345, 1.234e6, 9.996e6, 3.2e9]),
        "times": (times, [0.5, 1, 8.844, 9.996, 31.97]),
        "percent": (percent, [0.00001, 0.0123, 0.5, 1.0]),
        "error": (error, [0.0123, 0.00004, 0.5]),
    }
    parts: list[Section] = []
    wanted = {}
    for kind, (write, values) in kinds.items():
        parts += table(kind, kind, (Col("n", kind, lambda value: value),), values)
        wanted[kind] = [[write(value)] for value in values]
    browser.open(render(Page("t", "", (PagePart("p", "P", sections=tuple(parts)),), "analyze")))
    assert {kind: browser.cells(kind) for kind in kinds} == wanted


def test_colours_follow_the_system(browser):
    browser.open(pages.page("analyze"))
    ground = "return getComputedStyle(document.body).backgroundColor"
    bar = "return document.querySelectorAll('.bars')[1].querySelector('path').style.fill"
    light = browser.js(ground), browser.js(bar)
    browser.scheme(dark=True)
    browser.until(f"return (() => {{ {bar} }})() !== '{light[1]}'")
    assert browser.js(ground) != light[0]


@pytest.mark.parametrize("name", ["analyze", "bench", "convert"])
def test_nothing_moves_while_the_page_loads(browser, name):
    browser.open(pages.page(name))
    moved = browser.wait(
        "let sum = 0; new PerformanceObserver((list) => list.getEntries().forEach("
        "(entry) => { sum += entry.value; })).observe({type: 'layout-shift', buffered: true});"
        "setTimeout(() => done(sum), 200)"
    )
    assert moved < 0.01


def test_five_thousand_layers(browser):
    found = pages.network(*(f"stage_{at // 100}/conv_{at}" for at in range(5000)))
    browser.open(analyze.render([found], View()))
    assert len(browser.cells(LAYERS)) == 100
    assert "The 200 largest of 5,000" in browser.find("#m0-separable .note").text
    browser.find(f"#{LAYERS} .pager button:nth-of-type(2)").click()
    assert browser.cells(LAYERS)[0][0] == "stage_1/conv_100"
    browser.find(f"#{LAYERS} input").send_keys("conv_4999")
    assert len(browser.cells(LAYERS)) == 1


def test_all_rows_are_printed_in_light_colours(browser):
    rows = pages.network(*(f"conv_{at}" for at in range(150)))
    browser.open(analyze.render([rows], View()), dark=True)
    dark = browser.js("return getComputedStyle(document.documentElement).colorScheme")
    browser.js("dispatchEvent(new Event('beforeprint'))")
    assert len(browser.cells(LAYERS)) == 152
    assert browser.js("return getComputedStyle(document.documentElement).colorScheme") == "light"
    browser.js("dispatchEvent(new Event('afterprint'))")
    assert len(browser.cells(LAYERS)) == 100
    assert browser.js("return getComputedStyle(document.documentElement).colorScheme") == dark
    assert dark == "dark"


def test_narrow_windows_scroll_tables_not_the_page(browser):
    for name in ("analyze", "report"):
        browser.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False},
        )
        browser.open(pages.page(name))
        wide = browser.js("return document.documentElement.scrollWidth - innerWidth")
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert wide <= 0
