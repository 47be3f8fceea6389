"""How long the fuzzer runs where it runs long: `--hypothesis-profile nightly`."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "nightly", max_examples=3000, database=None, suppress_health_check=list(HealthCheck)
)
