"""Settings of the property tests: the same examples in every run, no limit on one example."""

from __future__ import annotations

from hypothesis import settings

# Fixed examples: a test that fails for one of us fails for all. Timing belongs to benchmarks.
settings.register_profile(
    "mobo_core", derandomize=True, deadline=None, max_examples=100, database=None
)
settings.load_profile("mobo_core")
