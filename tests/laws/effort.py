"""How many networks each law is held against: few in CI, as many as asked for by hand."""

import os

from hypothesis import HealthCheck, settings

#: ``SEPCOST_LAWS=100`` draws a hundred times as many, other ones each time.
MORE = int(os.environ.get("SEPCOST_LAWS", "1"))


def networks(count: int) -> settings:
    """Draw ``count`` networks: always the same, unless more are asked for."""
    return settings(
        max_examples=count * MORE,
        derandomize=MORE == 1,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
