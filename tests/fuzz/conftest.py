"""How long the fuzzer runs: a moment with all tests, minutes with `--hypothesis-profile nightly`."""

from hypothesis import HealthCheck, settings

_COMMON = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("nightly", max_examples=3000, **_COMMON)
