"""Curves of the recorded tables as one figure: the validation error of 25 configurations each.

    python docs/examples/recorded_curves.py curves.png

It requires matplotlib.
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
import numpy as np

from mobo_core.problems.tabular import TabularProblem, embedded_table

TABLES = (
    "mlp-sgd-wine",
    "mlp-adam-digits",
    "cnn-mnist",
    "boosting-diabetes",
    "linear-mnist",
    "forest-digits",
)
CURVES = 25


def errors_of(problem: TabularProblem) -> list[list[float]]:
    """Return the validation errors of some configurations, an epoch after the other."""
    units = np.random.default_rng(0).random((CURVES, len(problem.space)))
    curves = []
    for unit in units:
        training = problem.start(problem.space.from_unit(unit), seed=0)
        curves.append([training.run_epoch()["val_error"] for _ in range(problem.max_epochs)])
    return curves


def draw(path: str) -> None:
    """Write the figure, a panel for each table."""
    figure, panels = plt.subplots(2, 3, figsize=(10, 5), layout="constrained")
    for name, panel in zip(TABLES, panels.flat, strict=True):
        problem = TabularProblem(str(embedded_table(name)))
        for number, curve in enumerate(errors_of(problem)):
            colour = plt.colormaps["viridis"](number / CURVES)
            panel.plot(range(1, problem.max_epochs + 1), curve, color=colour, linewidth=1)
        panel.set(title=name, xlabel="epoch", ylabel="validation error ↓")
        panel.set_ylim(bottom=0)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    draw(sys.argv[1])
