"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# The same examples every time, and no deadline: how long one takes says more about the machine.
settings.register_profile(
    "sepcost", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("sepcost")
