"""The paper's published Tables 1–4, and the figures recomputed from the paper's own records.

Source: 'Enabling Distributed Multi-Objective Bayesian Optimisation using Ax, BoTorch, PyTorch
Lightning, RayTune and Custom Scheduling' (2025), Tables 1–4. The published hypervolumes are
predictions of Ax's model. The recomputed ones are observed: they use each trial's last recorded
metrics and the reference point (accuracy 0.90, loss 0.5, 100,000 parameters).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PaperRow:
    """One row of a table in the paper: a single run, without a seed.

    Args:
        runtime_s: The published runtime in seconds.
        front_size: The published 'number of Pareto-optimal solutions'.
        hypervolume: The published hypervolume, predicted by Ax's model.
        observed_front_size: The size of the front, recomputed from the paper's records.
        observed_hypervolume: The hypervolume, recomputed from the paper's records.
        epochs: The epochs trained in total, counted in the paper's records.
    """

    runtime_s: int
    front_size: int
    hypervolume: float
    observed_front_size: int
    observed_hypervolume: float
    epochs: int


TABLES: Mapping[str, tuple[int, str]] = {
    "fifo": (1, "FIFO"),
    "paper-dominance-g1": (2, "stopping by dominance, grace period 1"),
    "paper-dominance-g2": (3, "stopping by dominance, grace period 2"),
    "paper-rungwise-g1": (4, "stopping by dominance within a rung, grace period 1"),
}
"""Scheduler label in the matrix ``paper`` → number and title of the paper's table."""

ROWS: Mapping[tuple[int, str], PaperRow] = {
    (1, "acc+params"): PaperRow(1053, 5, 5892.7, 4, 6026.91, 200),
    (1, "acc+loss"): PaperRow(1042, 1, 0.028, 1, 0.029985, 200),
    (1, "loss+params"): PaperRow(1085, 6, 32339.78, 4, 32908.19, 200),
    (1, "acc+loss+params"): PaperRow(1414, 6, 2022.97, 6, 2132.88, 200),
    (2, "acc+params"): PaperRow(794, 5, 2236.99, 1, 4437.16, 46),
    (2, "acc+loss"): PaperRow(616, 1, 0.008, 1, 0.014592, 32),
    (2, "loss+params"): PaperRow(781, 9, 27498.52, 4, 30563.12, 54),
    (2, "acc+loss+params"): PaperRow(989, 6, 905.99, 3, 1309.69, 56),
    (3, "acc+params"): PaperRow(654, 3, 4972.79, 3, 5666.83, 80),
    (3, "acc+loss"): PaperRow(555, 3, 0.018, 1, 0.027039, 74),
    (3, "loss+params"): PaperRow(674, 3, 28510.0, 3, 31905.16, 98),
    (3, "acc+loss+params"): PaperRow(802, 4, 1550.7094, 4, 1845.59, 92),
    (4, "acc+params"): PaperRow(1027, 7, 5511.22, 5, 5788.58, 102),
    (4, "acc+loss"): PaperRow(691, 2, 0.016, 1, 0.026131, 67),
    (4, "loss+params"): PaperRow(810, 4, 31474.10, 3, 31891.97, 86),
    (4, "acc+loss+params"): PaperRow(1394, 10, 2074.74, 4, 2137.39, 106),
}
"""(table number, objective set) → row.

The records that the tests read hold Table 1 and the first two sets of the other tables. The
observed figures of the other six rows were computed when the records were collected."""
