"""The report's section "Statistics": tables of evidence and what they do not show, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis import evidence
from bench.analysis.evidence import EARLY, SHARES, Ranks
from bench.analysis.statistics import ENOUGH_SEEDS
from bench.analysis.statistics.protocols import equal_trials
from bench.analysis.statistics.wilcoxon import LEVEL, reach
from bench.formatting import percent, ratio
from bench.report.tables_and_notes import Block, Cell, Note, Sheet, named, to_markdown

SHOWN_TARGETS = (0.9, 0.99, 1.0)
RANKED_BY = {
    "time": "hypervolume at a quarter of FIFO's time",
    "trials": "hypervolume after all trials",
}


@dataclass(frozen=True)
class Findings:
    """All that the section and its figures show; frames as in `bench.analysis.evidence`.

    Args:
        runs: From `aggregate.summarise`, with series.
        baseline: `evidence.against_baseline`.
        random: `evidence.against_random`.
        timed: `evidence.at_equal_time`.
        final: `evidence.final`.
        hits: `evidence.hits`.
        best: `evidence.best_of`.
        against_best: `evidence.against_best`.
        rankings: What is ranked → by key of `RANKED_BY`; empty with too few series or sets.
    """

    runs: pd.DataFrame
    baseline: pd.DataFrame
    random: pd.DataFrame
    timed: pd.DataFrame
    final: pd.DataFrame
    hits: pd.DataFrame
    best: str | None
    against_best: pd.DataFrame
    rankings: dict[str, Ranks]


def find(runs: pd.DataFrame, curves: Mapping[str, pd.DataFrame]) -> Findings | None:
    """What the runs show, or None if none can be compared with FIFO.

    Args:
        runs: From `aggregate.summarise`.
        curves: Run id → `aggregate.anytime`.
    """
    baseline = evidence.against_baseline(runs)
    if baseline.empty:
        return None
    timed, final = evidence.at_equal_time(runs, curves), evidence.final(runs)
    best = evidence.best_of(timed)
    ranked = {
        "time": evidence.ranking(timed[timed["share"] == EARLY], "ratio"),
        "trials": evidence.ranking(final, "ratio"),
    }
    return Findings(
        runs=evidence.with_series(runs),
        baseline=baseline,
        random=evidence.against_random(runs),
        timed=timed,
        final=final,
        hits=evidence.hits(runs, curves),
        best=best,
        against_best=evidence.against_best(timed, best) if best else pd.DataFrame(),
        rankings={key: found for key, found in ranked.items() if found is not None},
    )


def section(findings: Findings | None) -> str:
    """The section in Markdown, its heading included."""
    return "## Statistics\n\n" + to_markdown(blocks(findings))


def blocks(findings: Findings | None) -> list[Block]:
    """The section: how sure one can be, and the tables of evidence."""
    if findings is None:
        return [
            Note(
                "No run can be compared: its FIFO run (same searcher, objectives and seed) is "
                "missing, or found nothing better than the reference."
            )
        ]
    return [Note(certainty(findings)), against_fifo(findings), *further(findings)]


def further(findings: Findings) -> list[Block]:
    """What follows on the table against FIFO."""
    found: list[Block] = [
        *_left_out(findings),
        *_unit(findings),
        _equal_time(findings),
        _running_time(findings),
        *_rankings(findings.rankings),
    ]
    if not findings.random.empty:
        found.append(_random(findings.random))
    return found


def certainty(findings: Findings) -> str:
    """What so many seeds can show at all."""
    seeds = findings.baseline["seeds"]
    said = reach(int(seeds.max()), len(seeds))
    if seeds.min() < seeds.max():
        said += f" Rows with fewer seeds, from {seeds.min()} on, show less."
    return said


def against_fifo(findings: Findings) -> Sheet:
    """What each scheduler saves and loses over all objective sets, and how sure that is."""
    frame = findings.baseline
    counts = findings.runs["trials"]
    try:
        trials = f"equal trials ({equal_trials(counts)} a run)"
    except ValueError:
        trials = f"all trials ({counts.min()} to {counts.max()} a run: not equal)"
    rows = [
        [
            named(row["series"]),
            Cell(f"{row['seeds']} × {row['cells']}", float(row["seeds"] * row["cells"])),
            _estimate(row, "epochs_saved", percent),
            _estimate(row, "runtime_saved", percent),
            _estimate(row, "hypervolume_ratio", ratio),
            Cell(f"{ratio(row['mean'])}, {ratio(row['worst'])}", float(row["mean"])),
            _estimate(row, "better", percent),
            Cell(verdict(row), float(row["p"])),
        ]
        for row in frame.to_dict("records")
    ]
    header = [
        "scheduler",
        "seeds × sets",
        "epochs saved",
        "time saved",
        "HV / FIFO",
        "mean, worst run",
        "better",
        "Wilcoxon test",
    ]
    lead = (
        f", over all objective sets: interquartile means [95 % interval], seeds resampled"
        f"{_too_few(frame)}. An interquartile mean leaves out the best and the worst quarter of "
        "the runs; the mean of all and the worst stand beside it. Better: the share of runs with "
        "more hypervolume than FIFO, equal ones half. The last column is an exact two-sided "
        "Wilcoxon test of the gains (a − b) / (a + b) of hypervolume a against FIFO's b, of each "
        "seed the mean over the sets, p after Holm over all rows."
    )
    return Sheet(f"Against FIFO after {trials}", lead, header, rows, frozenset({0, 7}))


def _left_out(findings: Findings) -> list[Note]:
    frame = findings.baseline[findings.baseline["left_out"] > 0]
    if frame.empty:
        return []
    of = ", ".join(f"{row['left_out']} of {row['series']}" for row in frame.to_dict("records"))
    return [
        Note(
            f" {of}: without a FIFO run that found something, or of a seed that lacks another "
            "objective set.",
            "Runs that do not count above:",
        )
    ]


def _unit(findings: Findings) -> list[Note]:
    if findings.runs["searcher"].nunique() == 1:
        return []
    return [
        Note(
            " in what follows, and in figures that compare schedulers over all objective sets, "
            f"FIFO is FIFO with {evidence.yardstick(findings.runs)}, for every searcher: each "
            "one's own would be another unit for each.",
            "One unit:",
        )
    ]


def _equal_time(findings: Findings) -> Sheet:
    timed = findings.timed
    tests = {}
    if not findings.against_best.empty:
        tests = {
            row["series"]: Cell(verdict(row), float(row["p"]))
            for row in findings.against_best.to_dict("records")
        }
    rows = []
    for name, mine in timed.groupby("series", sort=False):
        cells = []
        for share in SHARES:
            at = mine[mine["share"] == share]
            estimate = evidence.iqm_of_cells(at, "ratio")
            shown = interval(estimate.value, estimate.low, estimate.high, ratio)
            over = f", {_round(at['ended'].mean())} over" if at["ended"].any() else ""
            cells.append(Cell(shown + over, estimate.value))
        last = tests.get(str(name), Cell("the best" if name == findings.best else "–", np.nan))
        rows.append([named(name), *cells, last])
    header = ["scheduler", *(f"at {_round(share)} of FIFO's time" for share in SHARES)]
    lead = (
        ": the hypervolume that a run has at a share of FIFO's runtime of the same seed, over "
        "FIFO's final one, IQM. Runs that are over by then could have gone on: their figure is the "
        f"least they would have. The last column is Wilcoxon–Holm against the best at "
        f"{_round(EARLY)}, which these runs chose, so it flatters the best."
    )
    header.append(f"at {_round(EARLY)}, against the best")
    return Sheet("At equal time", lead, header, rows, frozenset({0, len(header) - 1}))


def _running_time(findings: Findings) -> Sheet:
    times = evidence.running_times(findings.hits)
    rows = [
        [named(name), *(Cell(_share(row[target]), row[target]) for target in SHOWN_TARGETS)]
        for name, row in times.iterrows()
    ]
    header = ["scheduler", *(f"{_round(target)} of FIFO's hypervolume" for target in SHOWN_TARGETS)]
    lead = (
        " (as COCO defines it: all that was spent until the target or the end, over the runs that "
        "reached it), in shares of FIFO's epochs:"
    )
    return Sheet("Expected running time", lead, header, rows)


def _rankings(rankings: Mapping[str, Ranks]) -> list[Note]:
    notes = [
        Note(
            f" over {found.test.problems} objective sets: Friedman's p {_p(found.test.p)}; mean "
            f"ranks of {len(found.names)} schedulers differ at 0.05 (Nemenyi) if they are "
            f"{found.critical_difference:.2f} apart.",
            f"Ranks by {RANKED_BY[key]}",
        )
        for key, found in rankings.items()
    ]
    if notes:
        notes.append(
            Note(
                "Both take the objective sets as independent, which they are not: they share data "
                "and seeds. Read the order, and no significance."
            )
        )
    return notes


def _random(frame: pd.DataFrame) -> Sheet:
    rows = [
        [
            named(row["series"]),
            Cell(percent(row["gain"]), row["gain"]),
            Cell(verdict(row), float(row["p"])),
        ]
        for row in frame.to_dict("records")
    ]
    header = ["scheduler", "gain in hypervolume", "hypervolume against random search"]
    lead = " with the same scheduler and seed:"
    return Sheet("Against random search", lead, header, rows, frozenset({0, 2}))


def verdict(row: Mapping[Any, Any]) -> str:
    """What a row of `evidence.tested` shows, in words; never stars."""
    p, smallest = row["p"], row["smallest_p"]
    if p <= LEVEL:
        return f"{'more' if row['gain'] > 0 else 'less'}, p {_p(p)}"
    if row["seeds"] and not row["differ"]:
        return "the same in every seed"
    if smallest > LEVEL:
        return f"cannot be concluded (p ≥ {smallest:.2g})"
    return f"no difference shown, p {_p(p)}"


def interval(value: float, low: float, high: float, form: Callable[[float], str]) -> str:
    """A value with its interval, if it has one."""
    if np.isnan(low) or low == high:
        return form(value)
    return f"{form(value)} [{form(low)}, {form(high)}]"


def _estimate(row: Mapping[Any, Any], name: str, form: Callable[[float], str]) -> Cell:
    shown = interval(row[name], row[f"{name}_low"], row[f"{name}_high"], form)
    return Cell(shown, float(row[name]))


def _too_few(frame: pd.DataFrame) -> str:
    if (frame["seeds"] >= ENOUGH_SEEDS).all():
        return ""
    return f"; with fewer than {ENOUGH_SEEDS} seeds there is no interval"


def _round(share: float) -> str:
    return f"{100 * share:.0f} %"


def _share(value: float) -> str:
    return percent(value) if np.isfinite(value) else "never"


def _p(p: float) -> str:
    return f"= {p:.2g}" if p >= 0.001 else "< 0.001"
