"""Words and tables of a comparison, for the terminal and for pull requests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.analysis.comparison import MEASURES, Change, Comparison, Measure, Overall
from bench.analysis.statistics import ENOUGH_SEEDS
from bench.formatting import count


def table(comparison: Comparison) -> pd.DataFrame:
    """Return a row per cell: its pairs, each change with its interval, and what clearly changed.

    With several cells a last row has the changes over all cells and what the exact test shows.
    """
    rows = []
    for name, changes in comparison.cells.items():
        row = {"cell": name, "pairs": str(comparison.pairs[name])}
        row |= {m.heading: _cell(changes[m.column], m) for m in MEASURES}
        rows.append(row | {"changed": ", ".join(_changed(changes)) or "–"})
    if seeds := _seeds_of_all(comparison):
        row = {"cell": f"all {len(rows)} cells", "pairs": seeds}
        row |= {m.heading: _of_all(comparison.overall[m.column], m) for m in MEASURES}
        rows.append(row | {"changed": ", ".join(_shown(comparison)) or "–"})
    return pd.DataFrame(rows)


def notes(comparison: Comparison) -> list[str]:
    """Return sentences on how to read the table and what it leaves out."""
    fewest = min(comparison.pairs.values())
    lines = []
    if fewest < ENOUGH_SEEDS:
        lines.append(
            f"A cell with fewer than {ENOUGH_SEEDS} pairs has a range, not an interval: nothing "
            "can be concluded from it."
        )
    intervals = sum(
        change.pairs >= ENOUGH_SEEDS and change.estimate.low < change.estimate.high
        for changes in comparison.cells.values()
        for change in changes.values()
    )
    if intervals > 1:
        lines.append(
            f"Of {intervals} intervals of 95 %, about {max(1, round(intervals / 20))} would show a "
            "change by chance even if nothing had changed."
        )
    whole = comparison.overall[MEASURES[0].column].seeds
    if whole < comparison.seeds and len(comparison.cells) > 1:
        lines.append(
            f"{count(comparison.seeds - whole, 'seed')} of {comparison.seeds} without a pair in "
            "every cell: left out of the row over all cells."
        )
    for name, cells in zip(comparison.names, comparison.only, strict=True):
        if cells:
            lines.append(f"Only in {name}: {'; '.join(cells)}.")
    return lines + [f"{note[0].upper()}{note[1:]}." for note in comparison.notes]


def summary(comparison: Comparison) -> str:
    """Return one sentence: in how many cells a change is shown."""
    changed = sum(bool(_changed(changes)) for changes in comparison.cells.values())
    pairs = count(sum(comparison.pairs.values()), "pair")
    cells = count(len(comparison.cells), "cell")
    shown = f"{changed} of them changed" if changed else "no change is shown"
    if seeds := _seeds_of_all(comparison):
        together = ", ".join(_shown(comparison)) or "no change is shown"
        shown += f"; over all cells and {seeds}: {together}"
    return f"{pairs} of runs in {cells}: {shown}."


def markdown(comparison: Comparison) -> str:
    """Return the whole comparison in GitHub-flavoured Markdown."""
    frame = table(comparison)
    rule = ["---", *["---:"] * (len(frame.columns) - 2), "---"]
    rows = [list(frame.columns), rule, *frame.to_numpy().tolist()]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    first, second = comparison.names
    return "\n".join(
        [
            f"### {second} (B) against {first} (A)",
            "",
            summary(comparison),
            "",
            *lines,
            "",
            legend(),
            "",
            *(f"- {line}" for line in notes(comparison)),
        ]
    ).rstrip()


def legend() -> str:
    """Return the explanation of the table's figures."""
    return (
        "Runs are paired by cell and seed. Epochs, runtime and hypervolume are geometric means of "
        "B / A [95 % bootstrap interval]; epochs saved against FIFO is the mean of B − A. The row "
        "over all cells uses the seeds that have every cell. Its unit is a seed's mean over the "
        "cells. It shows the pseudomedian (for ratios by way of (B − A) / (B + A)) with the "
        "interval and p of an exact Wilcoxon test, separately for each measure. Cells that change "
        "in opposite directions cancel there."
    )


def _cell(change: Change, measure: Measure) -> str:
    zeros = (f", {change.to_zero} to 0" if change.to_zero else "") + (
        f", {change.from_zero} from 0" if change.from_zero else ""
    )
    return _ratio(change, change.pairs, measure) + zeros


def _of_all(overall: Overall, measure: Measure) -> str:
    known = _ratio(overall, overall.seeds, measure)
    return f"{known}, p = {overall.p:.2g}" if overall.seeds >= ENOUGH_SEEDS else known


def _seeds_of_all(comparison: Comparison) -> str:
    """Return how many seeds have every cell; empty with no such seed or with one cell only."""
    seeds = comparison.overall[MEASURES[0].column].seeds
    return count(seeds, "seed") if seeds and len(comparison.cells) > 1 else ""


def _ratio(change: Change | Overall, pairs: int, measure: Measure) -> str:
    if pairs == 0:
        return "–"
    estimate = change.estimate
    value, low, high = (measure.show(v) for v in (estimate.value, estimate.low, estimate.high))
    if pairs == 1 or np.isclose(estimate.low, estimate.high, rtol=1e-12, atol=1e-12):
        return value
    if pairs < ENOUGH_SEEDS:
        return f"{value} ({low} to {high})"
    return f"{value} [{low}, {high}]"


def _changed(changes: dict[str, Change]) -> list[str]:
    """Return the changes that are shown, e.g. ``fewer epochs``, and those from or to 0."""
    found = [
        m.word(changes[m.column].estimate.value > m.unchanged)
        for m in MEASURES
        if changes[m.column].shown(m)
    ]
    for m in MEASURES:
        if fell := changes[m.column].to_zero:
            found.append(f"{m.heading} of {count(fell, 'run')} fell to 0")
        if rose := changes[m.column].from_zero:
            found.append(f"{m.heading} of {count(rose, 'run')} rose from 0")
    return found


def _shown(comparison: Comparison) -> list[str]:
    """Return the changes over all cells that the exact test shows."""
    return [
        f"{m.word(overall.more)} (p = {overall.p:.2g})"
        for m in MEASURES
        if (overall := comparison.overall[m.column]).shown
    ]
