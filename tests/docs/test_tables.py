"""The page of the recorded tables says what the tables hold, as measured here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from matplotlib import image
from scipy.stats import spearmanr

from mobo_core.problems.learners.data import SIZES
from mobo_core.problems.learners.recipes import RECIPES
from mobo_core.problems.tabular import TabularProblem, embedded_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tables.md"


def row_of(name: str) -> str:
    """Return the page's line about a table."""
    path, recipe = embedded_table(name), RECIPES[name]
    problem = TabularProblem(str(path))
    errors = pq.read_table(path, columns=["val_error"])["val_error"].to_numpy()
    errors = errors.reshape(-1, recipe.epochs)
    first, second = errors[::2, -1], errors[1::2, -1]  # the two training seeds
    finite = np.isfinite(first) & np.isfinite(second)
    better = finite & (first <= np.median(first[finite]))
    agree = [spearmanr(first[part], second[part]).statistic for part in (finite, better)]
    rises = float((np.diff(errors, axis=1) > 0).mean())
    return (
        f"| `{name}` | {SIZES[recipe.data].validation} "
        f"| {int(recipe.space.cardinality)} × {recipe.epochs} × 2 "
        f"| {', '.join(problem.objectives)} "
        f"| {agree[0]:.2f} | {agree[1]:.2f} | {rises:.0%} |".replace("%", " %")
    )


def test_each_table_has_its_line() -> None:
    lines = PAGE.read_text("utf-8").splitlines()
    shown = [line for line in lines if line.startswith("| `")]
    assert [line for line in shown if "×" in line] == [row_of(name) for name in RECIPES]
    # The lines about what varies name each kind of learner and its parameters.
    varying = [line for line in shown if "×" not in line]
    for recipe in RECIPES.values():
        (line,) = (line for line in varying if line.startswith(f"| `{recipe.kind}-…`"))
        assert all(f"`{name}`" in line for name in recipe.space.names)


def test_the_figure_is_drawn_from_the_tables(tmp_path: Path) -> None:
    program = PAGE.with_name("examples") / "recorded_curves.py"
    out = tmp_path / "curves.png"
    environment = {**os.environ, "MPLBACKEND": "agg"}
    subprocess.run([sys.executable, program, out], check=True, env=environment, timeout=300)
    shown = PAGE.with_name("pictures") / "recorded-curves.png"
    assert image.imread(out).shape == image.imread(shown).shape
