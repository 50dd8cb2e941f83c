"""Names of Ax's searcher for modules that configure it or read its runs without loading Ax."""

from __future__ import annotations

from typing import Literal

PartialData = Literal["full-fidelity", "last-value", "fidelity-feature"]
"""The choices of what a model learns from a trial that was stopped early; see `AxSearcher`."""

Failed = Literal["avoid", "retry"]
"""The choices of what happens to a configuration whose trial failed; see `AxSearcher`."""

SOBOL_NODE, BOTORCH_NODE = "Sobol", "BoTorch"
"""The names of what made a suggestion; see `AxSearcher.generation_node`."""

FALLBACK, GIVEN = "fallback", "given"
"""The names of suggestions that no generation node made; see `AxSearcher.generation_node`."""
