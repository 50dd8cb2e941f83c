"""Names that Ax's searcher shares with those who set it up or read its runs, without loading Ax."""

from __future__ import annotations

from typing import Literal

PartialData = Literal["full-fidelity", "last-value", "fidelity-feature"]
"""What a model may learn from a trial that stopped early; see `AxSearcher`."""

SOBOL_NODE, BOTORCH_NODE = "Sobol", "BoTorch"
"""Where a suggestion came from; see `AxSearcher.generation_node`."""
