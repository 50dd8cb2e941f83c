"""The report's section "Statistics": what the runs show, and what they cannot show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis import estimates, evidence
from bench.analysis.evidence import EARLY, SHARES, Ranks
from bench.analysis.statistics import ENOUGH_SEEDS
from bench.analysis.statistics.protocols import equal_trials
from bench.analysis.statistics.wilcoxon import LEVEL, reach
from bench.formatting import count, percent, ratio
from bench.report.tables_and_notes import Block, Cell, Note, Sheet, named, to_markdown

SHOWN_TARGETS = (0.9, 0.99, 1.0)
"""Shares of FIFO's hypervolume for which the running time is shown."""
RANKED_BY = {
    "time": "hypervolume at a quarter of FIFO's time",
    "trials": "hypervolume after all trials",
}
"""Key of `Findings.rankings` → the figure by which schedulers are ranked."""
NO_VERDICT = "–"
"""The verdict where the seeds are too few for any."""


@dataclass(frozen=True)
class Findings:
    """The evidence that the section and its figures show.

    Args:
        runs: The runs: the frame from `aggregate.summarise` with a column ``series``.
        baseline: Each series against FIFO: the frame from `evidence.against_baseline`.
        random: Each series against random search: the frame from `evidence.against_random`.
        timed: Hypervolume at shares of FIFO's runtime: the frame from `evidence.at_equal_time`.
        final: Final hypervolume of each run: the frame from `evidence.final`.
        hits: When each run reached its targets: the frame from `evidence.hits`.
        best: The best series at a quarter of FIFO's time, from `evidence.best_of`.
        against_best: Each series against the best: the frame from `evidence.against_best`.
        rankings: Key of `RANKED_BY` → ranks; empty with too few series or objective sets.
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
    """Return what the runs show, or None if none can be compared with FIFO.

    Args:
        runs: The frame from `aggregate.summarise`.
        curves: Run id → the run's frame from `aggregate.anytime`.
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
    """Return the section in Markdown with its heading."""
    return "## Statistics\n\n" + to_markdown(blocks(findings))


def blocks(findings: Findings | None) -> list[Block]:
    """Return the section: how sure the conclusions are, then the tables of evidence."""
    if findings is None:
        return [
            Note(
                "No run can be compared with FIFO. FIFO's run with the same searcher, objective "
                "set and seed is missing, or it found nothing better than the reference point."
            )
        ]
    return [Note(certainty(findings)), against_fifo(findings), *further(findings)]


def further(findings: Findings) -> list[Block]:
    """Return the blocks that follow the table against FIFO."""
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
    """Return sentences about what so many seeds can show at all."""
    seeds = findings.baseline["seeds"]
    text = reach(int(seeds.max()), len(seeds))
    if seeds.min() < seeds.max():
        text += f" Some rows have fewer seeds, at least {seeds.min()}, and show less."
    return text


def against_fifo(findings: Findings) -> Sheet:
    """Return the table of what each scheduler saves and loses over all objective sets."""
    frame = findings.baseline
    counts = findings.runs["trials"]
    try:
        trials = f"equal trials ({equal_trials(counts)} a run)"
    except ValueError:
        trials = f"all trials ({counts.min()} to {counts.max()} a run, so not equal)"
    tested = _any_verdict(frame)
    rows = [
        [
            named(row["series"]),
            Cell(f"{row['seeds']} × {row['cells']}", float(row["seeds"] * row["cells"])),
            _estimate(row, "epochs_saved", percent),
            _estimate(row, "runtime_saved", percent),
            _estimate(row, "hypervolume_ratio", ratio),
            Cell(f"{ratio(row['mean'])}, {ratio(row['worst'])}", float(row["mean"])),
            _estimate(row, "better", percent),
            *([Cell(verdict(row), float(row["p"]))] if tested else []),
        ]
        for row in frame.to_dict("records")
    ]
    header = [
        "scheduler",
        "seeds × sets",
        "epochs saved",
        "time saved",
        "hypervolume / FIFO's",
        "mean, worst run",
        "better",
        *(["Wilcoxon test"] if tested else []),
    ]
    lead = (
        f", over all objective sets. The figures are interquartile means{_intervals(frame)}. An "
        "interquartile mean leaves out the best and the worst quarter of the runs; the mean and "
        "the worst of all runs stand beside it. Better is the share of runs with more hypervolume "
        "than FIFO; equal ones count half."
    )
    if tested:
        lead += (
            " The last column is an exact two-sided Wilcoxon test. Its unit is a seed: the mean "
            "over the sets of the gains (a − b) / (a + b) of hypervolume a against FIFO's b. Its p "
            f"is corrected by Holm over all rows.{_dashes(frame)}"
        )
    return Sheet(f"Against FIFO after {trials}", lead, header, rows, frozenset({0, 7}))


def _left_out(findings: Findings) -> list[Note]:
    frame = findings.baseline[findings.baseline["left_out"] > 0]
    if frame.empty:
        return []
    runs = ", ".join(
        f"{count(row['left_out'], 'run')} of {row['series']}" for row in frame.to_dict("records")
    )
    return [
        Note(
            f" the table above does not count {runs}. For these, FIFO's run with the same seed is "
            "missing or found nothing, or the seed lacks a run with another objective set.",
            "Runs left out:",
        )
    ]


def _unit(findings: Findings) -> list[Note]:
    if findings.runs["searcher"].nunique() == 1:
        return []
    return [
        Note(
            f" below, and in the figures over all objective sets, FIFO is FIFO with "
            f"{evidence.yardstick(findings.runs)}, for every searcher. With each searcher's own "
            "FIFO, a poor searcher would look good.",
            "One unit:",
        )
    ]


def _equal_time(findings: Findings) -> Sheet:
    timed, against = findings.timed, findings.against_best
    tests = {
        row["series"]: Cell(verdict(row), float(row["p"])) for row in against.to_dict("records")
    }
    tested = _any_verdict(against)
    rows = []
    for name, mine in timed.groupby("series", sort=False):
        cells = []
        for share in SHARES:
            at = mine[mine["share"] == share]
            estimate = estimates.iqm_of_cells(at, "ratio")
            shown = interval(estimate.value, estimate.low, estimate.high, ratio)
            over = f", {_round(at['ended'].mean())} ended" if at["ended"].any() else ""
            cells.append(Cell(shown + over, estimate.value))
        best = Cell("the best" if name == findings.best else NO_VERDICT, np.nan)
        rows.append([named(name), *cells, *([tests.get(str(name), best)] if tested else [])])
    header = ["scheduler", *(f"at {_round(share)} of FIFO's time" for share in SHARES)]
    lead = (
        ": the hypervolume of a run at a share of FIFO's runtime with the same seed, divided by "
        "FIFO's final hypervolume. The figures are interquartile means. Runs that had ended by "
        "then could have gone on: their figure is the least they would have."
    )
    if not tested:
        return Sheet("At equal time", lead, header, rows)
    lead += (
        f" The last column is a Wilcoxon test against the best at {_round(EARLY)}, corrected by "
        "Holm. The best was picked on these same runs; expect a smaller lead elsewhere."
        f"{_dashes(against)}"
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
        ", in shares of FIFO's epochs. As COCO defines it, this is what all runs spent until the "
        "target or their end, divided by the number of runs that reached it."
    )
    return Sheet("Expected running time", lead, header, rows)


def _rankings(rankings: Mapping[str, Ranks]) -> list[Note]:
    notes = [
        Note(
            f" over {found.test.problems} objective sets. Friedman's test gives p "
            f"{_p(found.test.p)}. The mean ranks of two of {len(found.names)} schedulers differ at "
            f"0.05 (Nemenyi) if they are {found.critical_difference:.2f} apart.",
            f"Ranks by {RANKED_BY[key]}",
        )
        for key, found in rankings.items()
    ]
    if notes:
        notes.append(
            Note(
                "Both tests assume that the objective sets are independent. They are not: they "
                "share data and seeds. So read the order only, not the significance."
            )
        )
    return notes


def _random(frame: pd.DataFrame) -> Sheet:
    tested = _any_verdict(frame)
    rows = [
        [
            named(row["series"]),
            Cell(percent(row["gain"]), row["gain"]),
            *([Cell(verdict(row), float(row["p"]))] if tested else []),
        ]
        for row in frame.to_dict("records")
    ]
    header = ["scheduler", "gain in hypervolume"]
    header += ["hypervolume against random search"] if tested else []
    lead = ", with the same scheduler and seed:"
    return Sheet("Against random search", lead, header, rows, frozenset({0, 2}))


def verdict(row: Mapping[Any, Any]) -> str:
    """Return what a row of `evidence.tested` shows, in words; `NO_VERDICT` with too few seeds."""
    p = row["p"]
    if p <= LEVEL:
        return f"{'more' if row['gain'] > 0 else 'less'}, p {_p(p)}"
    if row["seeds"] and not row["differ"]:
        return "the same in every seed"
    return NO_VERDICT if row["smallest_p"] > LEVEL else f"no difference shown, p {_p(p)}"


def conclusion(row: Mapping[Any, Any]) -> str:
    """Return a sentence with what a row of `evidence.tested` shows; empty if it cannot show any."""
    p = row["p"]
    if p <= LEVEL:
        return f"Its hypervolume is {'higher' if row['gain'] > 0 else 'lower'} (p {_p(p)})."
    if row["seeds"] and not row["differ"]:
        return "Its hypervolume equals FIFO's in every seed."
    if row["smallest_p"] > LEVEL:
        return ""
    return f"No difference in hypervolume is shown (p {_p(p)})."


def interval(value: float, low: float, high: float, form: Callable[[float], str]) -> str:
    """Return a value with its interval, if it has one."""
    if np.isnan(low) or low == high:
        return form(value)
    return f"{form(value)} [{form(low)}, {form(high)}]"


def _estimate(row: Mapping[Any, Any], name: str, form: Callable[[float], str]) -> Cell:
    shown = interval(row[name], row[f"{name}_low"], row[f"{name}_high"], form)
    return Cell(shown, float(row[name]))


def _intervals(frame: pd.DataFrame) -> str:
    if (frame["seeds"] >= ENOUGH_SEEDS).all():
        return " [95 % interval], with the seeds resampled"
    if (frame["seeds"] < ENOUGH_SEEDS).all():
        return f"; with fewer than {ENOUGH_SEEDS} seeds they have no interval"
    return (
        f" [95 % interval], with the seeds resampled; rows with fewer than {ENOUGH_SEEDS} seeds "
        "have no interval"
    )


def _any_verdict(frame: pd.DataFrame) -> bool:
    return any(verdict(row) != NO_VERDICT for row in frame.to_dict("records"))


def _dashes(frame: pd.DataFrame) -> str:
    if all(verdict(row) != NO_VERDICT for row in frame.to_dict("records")):
        return ""
    return " A dash means that the seeds are too few for a conclusion."


def _round(share: float) -> str:
    return f"{100 * share:.0f} %"


def _share(value: float) -> str:
    return percent(value) if np.isfinite(value) else "never"


def _p(p: float) -> str:
    return f"= {p:.2g}" if p >= 0.001 else "< 0.001"
