"""A small survey for tests: recorded and synthetic curves, short runs."""

from __future__ import annotations

from pathlib import Path

SMALL = """
title = "A small survey"
trials = 12
slots = 3

[[family]]
name = "recorded"
problem = "mlp-table"
objective_sets = ["acc+params", "loss+params"]

[[family]]
name = "synthetic"
problem = "synthetic"
datasets = ["dtlz2", "zdt1-step", "zdt2-noisy"]
max_epochs = 8

[[scheduler]]
name = "fifo"

[[scheduler]]
name = "hv-promotion"

[[scheduler]]
label = "moasha"
name = "moasha-promotion"
reduction_factor = 2
"""


def small_survey(folder: Path, text: str = SMALL) -> str:
    """Write the survey into a folder and return its path."""
    path = folder / "small.toml"
    path.write_text(text, "utf-8")
    return str(path)
