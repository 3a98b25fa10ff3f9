"""What holds for all tests."""

import pytest
from hypothesis import HealthCheck, settings

# The same examples every time, and no deadline: how long one takes says more about the machine.
settings.register_profile(
    "sepcost", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("sepcost")


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    """Times that the user's own measurements left are neither read nor added to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
