"""Property tests run the same examples every time, so that a red build is about the change, and are not timed."""

from hypothesis import HealthCheck, settings

settings.register_profile("hub", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hub")
