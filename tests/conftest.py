"""Settings shared by all tests."""

import pytest
from hypothesis import HealthCheck, settings

# Reproducible examples without a deadline, because time depends on the machine.
settings.register_profile(
    "sepcost", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("sepcost")


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    """Use a separate cache, so that tests neither read nor extend the user's measured times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
