"""The answer that a report gives first: who saves how much, what it costs, how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.statistics.wilcoxon import pairs_needed
from bench.formatting import count, percent, ratio
from bench.report import words
from bench.report.statistics_section import Findings, certainty, conclusion, interval
from bench.report.tables_and_notes import Note

SMALL_LOSS = 0.01
"""The mean loss of FIFO's hypervolume up to which a scheduler is recommended, as a share."""
NOTHING_TO_COMPARE = (
    "No scheduler can be compared with FIFO: it takes a finished run of FIFO and one of another "
    "scheduler with the same searcher, objective set and seed, and FIFO's run must find something "
    "better than the reference point"
)
"""The headline without findings; no full stop, like every headline."""
PICKED = "Winners were picked on these same runs; expect slightly less elsewhere."


def recommended(findings: Findings | None) -> Mapping[str, Any] | None:
    """Return the row of `Findings.baseline` of the scheduler to recommend.

    It is the scheduler that saves most epochs among those that lose at most `SMALL_LOSS` of FIFO's
    hypervolume in the mean. If all lose more, it is the one that loses least.

    Args:
        findings: None if no run can be compared with FIFO.

    Returns:
        None without findings.
    """
    if findings is None:
        return None
    rows = _rows(findings)
    careful = [row for row in rows if _loses_little(row)]
    if careful:
        return max(careful, key=lambda row: float(row["epochs_saved"]))
    return max(rows, key=lambda row: float(row["mean"]))


def headline(findings: Findings | None) -> str:
    """Return one plain sentence about the recommended scheduler, without a full stop.

    The hypervolume is the mean of all runs and the epochs are an interquartile mean, as in the
    table against FIFO.
    """
    row = recommended(findings)
    if findings is None or row is None:
        return NOTHING_TO_COMPARE
    verb = "keeps" if row["mean"] <= 1 else "reaches"
    return (
        f"{_name(findings, row)} {verb} {percent(row['mean'])} of the hypervolume with "
        f"{100 * (1 - row['epochs_saved']):.0f} % of the epochs"
    )


def answer(findings: Findings | None) -> list[str]:
    """Return at most three sentences for the terminal, the headline first."""
    first, row = f"{headline(findings)}.", recommended(findings)
    if findings is None or row is None:
        return [first]
    return [
        first,
        f"It {_time(row['runtime_saved'])}; its worst run keeps {percent(row['worst'])} of the "
        "hypervolume.",
        conclusion(row) or _too_few(row, len(findings.baseline)),
    ]


def _time(saved: float) -> str:
    if saved < 0:
        return f"takes {percent(-saved)} more time than FIFO"
    return f"saves {percent(saved)} of the time"


def lead(findings: Findings | None) -> list[Note]:
    """Return what follows the headline at once: the rest of the answer, and what the words mean."""
    if findings is None:
        return [Note(f"{NOTHING_TO_COMPARE}."), terms()]
    picked = [PICKED] if len(findings.baseline) > 1 else []
    return [Note(" ".join([*answer(findings)[1:], *picked])), terms()]


def notes(
    findings: Findings | None, days: Sequence[str] = (), instructions: Sequence[str] = ()
) -> list[Note]:
    """Return the figures behind the answer with their intervals, the most important one first.

    Args:
        findings: None if no run can be compared with FIFO.
        days: The dates of the runs, if their times are of different days; else empty.
        instructions: The vector instructions of the runs, if they differ; else empty.
    """
    if findings is None:
        return []
    rows, best = _rows(findings), recommended(findings)
    assert best is not None, "there are findings"
    saver = max(rows, key=lambda row: float(row["epochs_saved"]))
    found = [_best(findings, best, alone=len(rows) == 1)]
    if saver["series"] != best["series"]:
        found.append(Note(_figures(findings, saver), "Most epochs saved at any loss:"))
    found.append(_certainty(findings))
    if days:
        when = " and ".join(days) if len(days) < 3 else f"{len(days)} days from {days[0]} on"
        found.append(
            Note(
                f" The runs were made on {when}. An epoch takes a different time on another day or "
                "machine. Compare epochs, not times, of runs that were not made together.",
                "Times of different days.",
            )
        )
    if instructions:
        found.append(
            Note(
                f" The runs were made with different ones: {'; '.join(instructions)}. The same "
                "configuration and seed may have given different curves, and the model different "
                "suggestions.",
                "Vector instructions.",
            )
        )
    return found


def _rows(findings: Findings) -> list[dict[str, Any]]:
    return [
        {str(name): value for name, value in row.items()}
        for row in findings.baseline.to_dict("records")
    ]


def _loses_little(row: Mapping[str, Any]) -> bool:
    return bool(row["mean"] >= 1 - SMALL_LOSS)


def _name(findings: Findings, row: Mapping[str, Any]) -> str:
    """Return the scheduler's name, with its searcher's where there are several."""
    run = findings.runs[findings.runs["series"] == row["series"]].iloc[0]
    if run["series"] == run["scheduler"]:
        return str(run["scheduler"])
    return f"{run['scheduler']} with {run['searcher']}"


def _best(findings: Findings, row: Mapping[str, Any], *, alone: bool) -> Note:
    limit, figures = f"{100 * SMALL_LOSS:g} %", _figures(findings, row)
    if not _loses_little(row):
        none = f" No scheduler loses {limit} or less of FIFO's hypervolume in the mean."
        return Note(f"{figures}{none}", "Smallest loss:")
    if alone:
        return Note(figures, "Against FIFO:")
    return Note(figures, f"Most epochs saved at a mean loss of at most {limit}:")


def _figures(findings: Findings, row: Mapping[str, Any]) -> str:
    shown = conclusion(row)
    return (
        f" {_name(findings, row)} saves {_estimate(row, 'epochs_saved')} of FIFO's epochs and "
        f"{_estimate(row, 'runtime_saved')} of its time. It ends with "
        f"{_estimate(row, 'hypervolume_ratio')} of FIFO's hypervolume (mean {ratio(row['mean'])}, "
        f"worst run {ratio(row['worst'])}).{f' {shown}' if shown else ''}"
    )


def _too_few(row: Mapping[str, Any], comparisons: int) -> str:
    """Return why a row shows nothing: too few seeds, or too few in which it differs from FIFO."""
    seeds, needed = count(int(row["seeds"]), "seed"), pairs_needed(comparisons)
    if row["seeds"] < needed:
        return f"With {seeds} no difference can be shown; it takes at least {needed}."
    return f"Too few of its {seeds} differ from FIFO's to show a difference."


def _certainty(findings: Findings) -> Note:
    """Return the note about the number of seeds."""
    seeds, sets = (int(findings.baseline[column].max()) for column in ("seeds", "cells"))
    return Note(
        f" The shares are interquartile means over {count(seeds, 'seed')} and "
        f"{count(sets, 'objective set')}. {certainty(findings)}",
        "How sure this is.",
    )


def terms() -> Note:
    """Return the note that explains FIFO and hypervolume, with a link to all words."""
    return Note(
        " FIFO trains every trial to the end; it is the baseline. Hypervolume measures how far a "
        "front of trials lies beyond a fixed reference point in all objectives: more is better.",
        "FIFO and hypervolume.",
        link=("All words", f"#{words.ANCHOR}"),
    )


def _estimate(row: Mapping[str, Any], name: str) -> str:
    form = ratio if name == "hypervolume_ratio" else percent
    return interval(row[name], row[f"{name}_low"], row[f"{name}_high"], form)
