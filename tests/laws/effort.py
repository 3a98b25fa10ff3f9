"""The number of networks per law: few in CI, more on request."""

import os

from hypothesis import HealthCheck, settings

#: ``SEPCOST_LAWS=100`` draws a hundred times as many, different ones each time.
MORE = int(os.environ.get("SEPCOST_LAWS", "1"))


def networks(count: int) -> settings:
    """Draw ``count`` networks: always the same unless more are requested."""
    return settings(
        max_examples=count * MORE,
        derandomize=MORE == 1,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
