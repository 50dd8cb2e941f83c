"""The answer that ``mobo-bench run`` and ``report`` print: three lines and one compact table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.formatting import count, duration, percent, ratio, significant, whole
from bench.report import summary
from bench.report.report_data import PAPER, ReportData
from bench.report.statistics_section import NO_VERDICT, Findings, verdict

SHORT_VERDICTS = {"the same in every seed": "same", "no difference shown": "none"}
"""A verdict without its p → what the column "difference shown" has for it."""


def show(found: ReportData, console: Console) -> None:
    """Print the answer and one table that fits the console's width.

    The table has a row per scheduler and compares it with FIFO. It has a row per scheduler and
    objective set instead if nothing can be compared, or for one seed of the paper's matrix.
    """
    if found.failed:
        left_out = f"{count(len(found.failed), 'failed run')} left out; the report has the reasons"
        console.print(left_out, markup=False, style="red", highlight=False)
    first, *others = summary.answer(found.findings)
    console.print(f"\n{first}", markup=False, style="bold", highlight=False)
    for line in others:
        console.print(line, markup=False, highlight=False)
    console.print()
    as_paper = found.settings["name"] == PAPER and found.runs["seed"].nunique() == 1
    if found.findings is None or as_paper:
        console.print(by_cell(found.runs))
    else:
        console.print(against_fifo(found.findings))
    console.print()


def against_fifo(findings: Findings) -> Table:
    """Return a table of what each scheduler saves and keeps, over all objective sets."""
    best = summary.recommended(findings)
    rows = findings.baseline.to_dict("records")
    names = findings.runs.drop_duplicates("series").set_index("series")[["scheduler", "searcher"]]
    several = findings.runs["searcher"].nunique() > 1
    shown = [_short(verdict(row)) for row in rows]
    figures = ["epochs\nsaved", "time\nsaved", "hypervolume\nkept (mean)", "worst\nrun"]
    words = ["difference\nshown"] if any(text != NO_VERDICT for text in shown) else []
    table = _table("Each scheduler against FIFO", several, figures, words)
    for row, text in zip(rows, shown, strict=True):
        scheduler, searcher = names.loc[row["series"]]
        table.add_row(
            *_names(scheduler, *([searcher] if several else [])),
            *(percent(row[c]) for c in ("epochs_saved", "runtime_saved", "mean", "worst")),
            *([text] if words else []),
            style="bold" if best is not None and row["series"] == best["series"] else None,
        )
    return table


def by_cell(runs: pd.DataFrame) -> Table:
    """Return a table of runtime, epochs and hypervolume, a row per scheduler and objective set.

    Args:
        runs: The frame from `bench.analysis.aggregate.summarise`; the table shows medians.
    """
    several, seeds = runs["searcher"].nunique() > 1, runs["seed"].nunique()
    title = "Every scheduler and objective set" + (", medians over the seeds" if seeds > 1 else "")
    compared = runs["hypervolume_ratio"].notna().any()
    figures = ["runtime", "epochs", "hypervolume", *(["of\nFIFO's"] if compared else [])]
    table = _table(title, several, figures, [], after=["objectives"])
    columns = ["runtime_s", "epochs", "hypervolume", "hypervolume_ratio"]
    cells = runs.groupby(["scheduler", "searcher", "objectives"], sort=False)[columns].median()
    for cell in cells.reset_index().to_dict("records"):
        against = cell["hypervolume_ratio"]
        name = [cell["scheduler"], *([cell["searcher"]] if several else []), cell["objectives"]]
        table.add_row(
            *_names(*name),
            duration(cell["runtime_s"]),
            whole(cell["epochs"]),
            significant(cell["hypervolume"]),
            *([ratio(against) if np.isfinite(against) else "–"] if compared else []),
        )
    return table


def _table(
    title: str,
    several: bool,
    figures: Sequence[str],
    words: Sequence[str],
    after: Sequence[str] = (),
) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for heading in ("scheduler", *(["searcher"] if several else []), *after):
        table.add_column(heading, vertical="bottom", overflow="ellipsis")
    for heading in figures:
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in words:
        table.add_column(heading, no_wrap=True)
    return table


def _names(*names: object) -> list[Text]:
    """Return names that a narrow column cuts with … rather than wraps."""
    return [Text(" ".join(str(n).split()), no_wrap=True, overflow="ellipsis") for n in names]


def _short(text: str) -> str:
    plain = text.partition(",")[0]
    return SHORT_VERDICTS.get(plain, plain)
