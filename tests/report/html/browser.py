"""A page in a real browser: its content, its logs, its requests."""

import json
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--force-prefers-reduced-motion", "--window-size=1280,900",
)  # fmt: skip
PATIENCE_S = 60


@contextmanager
def started():
    """A separate browser with a temporary profile."""
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs chromium and chromedriver")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={folder}/profile"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = Service(DRIVER, log_output=subprocess.DEVNULL)
        driver = Chrome(options=options, service=service)
        try:
            yield Browser(driver, Path(folder))
        finally:
            driver.quit()


class Browser:
    """One window."""

    def __init__(self, driver, folder):
        self.driver, self.folder = driver, folder

    def open(self, text, dark=False):
        """Load a page from disk and wait until everything is drawn."""
        self.scheme(dark)
        file = self.folder / "report.html"
        file.write_text(text, encoding="utf-8", newline="")
        self.driver.get("about:blank")
        self.logs()
        self.driver.get(file.as_uri())
        self.until("return document.documentElement.dataset.ready === 'true'")

    def scheme(self, dark):
        value = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [value]})

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not self.js(condition):
            assert time.monotonic() < deadline, condition
            time.sleep(0.02)

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def wait(self, code):
        """Run code that calls ``done`` with its result."""
        return self.driver.execute_async_script(f"const done = arguments[0]; {code}")

    def logs(self):
        """Console messages and requested addresses since the last call."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        events = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        asked = [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return said, asked

    def cells(self, section):
        """The text of every visible cell, row by row."""
        return self.js(
            "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)]"
            ".map((row) => [...row.children].map((cell) => cell.textContent))",
            section,
        )

    def values(self, section, title):
        """The exact numbers of one column."""
        return self.js(
            "const card = document.getElementById(arguments[0]);"
            "const heads = [...card.querySelectorAll('thead th')];"
            "const at = heads.findIndex((head) => head.textContent === arguments[1]);"
            "return [...card.querySelectorAll('tbody tr')].map((row) => {"
            "const value = row.children[at].dataset.value;"
            "return value === undefined ? null : Number(value); })",
            section, title,
        )  # fmt: skip

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def heading(self, section, title):
        """The button that sorts a column."""
        return self.driver.find_element(
            "xpath", f"//*[@id='{section}']//thead//button[text()='{title}']"
        )
