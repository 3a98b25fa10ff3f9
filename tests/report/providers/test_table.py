"""The execution providers at a terminal."""

from sepcost.latency.providers import PROVIDERS
from sepcost.latency.survey import ProviderInfo
from sepcost.report.screen import Screen
from tests.report.render import render


def test_the_providers_fit_a_terminal():
    usable = [ProviderInfo("cpu", True, ("CPU AMD",))]
    others = [ProviderInfo(name, False, get=p.package) for name, p in PROVIDERS.items()]
    text = render("providers", "table", [*usable, *others], screen=Screen(60))
    assert max(map(len, text.splitlines())) <= 60
    for one in PROVIDERS.values():
        assert one.package in " ".join(text.split())
