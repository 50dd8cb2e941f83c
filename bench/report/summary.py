"""What the runs show in a few sentences: who saves how much at what loss, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.formatting import percent, ratio
from bench.report.statistics_section import Findings, certainty, interval, verdict
from bench.report.tables_and_notes import Note

SMALL_LOSS = 0.01
"""Of FIFO's hypervolume, in the mean of all runs: what most would give for the time it saves."""


def notes(findings: Findings | None, days: Sequence[str] = ()) -> list[Note]:
    """The sentences, the one that most readers came for first.

    Args:
        findings: None where no run can be compared with FIFO.
        days: On which the runs were made, if their times are of different days.
    """
    if findings is None:
        return [
            Note(
                " The FIFO run of the same searcher, objectives and seed is missing, or found "
                "nothing better than the reference, so nothing can be said of savings and losses.",
                "Nothing to compare.",
            )
        ]
    rows = findings.baseline.to_dict("records")
    saver = max(rows, key=lambda row: row["epochs_saved"])
    careful = [row for row in rows if row["mean"] >= 1 - SMALL_LOSS]
    found = []
    if careful:
        best = max(careful, key=lambda row: row["epochs_saved"])
        title = f"Most saved at a mean loss of at most {100 * SMALL_LOSS:g} %:"
        found.append(_note(title, best))
    else:
        best = max(rows, key=lambda row: row["mean"])
        none = (
            f" No scheduler loses {100 * SMALL_LOSS:g} % or less of FIFO's hypervolume in the mean."
        )
        found.append(_note("Least lost:", best, none))
    if saver is not best:
        found.append(_note("Most saved at any loss:", saver))
    chosen = "They were chosen by these runs, which flatters them. " if len(rows) > 1 else ""
    means = "Shares are interquartile means, with 95 % intervals from six seeds on. "
    found.append(Note(f" {means}{chosen}{certainty(findings)}", "How sure that is."))
    if days:
        when = " and ".join(days) if len(days) < 3 else f"{len(days)} days from {days[0]}"
        found.append(
            Note(
                f" The runs were made on {when}. Another day or machine takes another time for an "
                "epoch: where two were not made together, compare their epochs.",
                "Times of different days.",
            )
        )
    return found


def _note(title: str, row: Mapping[Any, Any], more: str = "") -> Note:
    return Note(
        f" {row['series']} saves {_estimate(row, 'epochs_saved')} of FIFO's epochs and "
        f"{_estimate(row, 'runtime_saved')} of its time, and ends with "
        f"{_estimate(row, 'hypervolume_ratio')} of its hypervolume (mean {ratio(row['mean'])}, "
        f"worst run {ratio(row['worst'])}). Hypervolume against FIFO: {verdict(row)}.{more}",
        title,
    )


def _estimate(row: Mapping[Any, Any], name: str) -> str:
    form = ratio if name == "hypervolume_ratio" else percent
    return interval(row[name], row[f"{name}_low"], row[f"{name}_high"], form)
