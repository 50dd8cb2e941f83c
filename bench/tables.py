"""Tables of runs, laid out as the paper's: for the terminal, Markdown, CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from rich.markup import escape
from rich.table import Table as RichTable

from bench import paper
from bench.aggregate import BASELINE
from bench.formatting import count, duration, markdown, percent, ratio, significant, whole
from bench.statistics import ENOUGH_SEEDS, mean_interval

Formatter = Callable[[float], str]


@dataclass(frozen=True)
class Table:
    """A table ready to be shown.

    Args:
        name: File name without extension.
        title: One line.
        caption: What the figures are, and of which data.
        cells: Formatted text, a row per objective set.
        numbers: The same as numbers, with median, min and max of every figure.
    """

    name: str
    title: str
    caption: str
    cells: pd.DataFrame
    numbers: pd.DataFrame

    def to_markdown(self) -> str:
        """GitHub-flavoured Markdown, title and caption included."""
        header = " | ".join(self.cells.columns)  # ours; of a row the first cell alone is not
        rule = " | ".join("---" if i < 1 else "---:" for i in range(len(self.cells.columns)))
        rows = [
            " | ".join([markdown(name), *figures])
            for name, *figures in self.cells.itertuples(index=False)
        ]
        lines = [f"| {line} |" for line in (header, rule, *rows)]
        title, caption = markdown(self.title), markdown(self.caption)
        return "\n".join([f"### {title}", "", *lines, "", caption, ""])

    def to_latex(self) -> str:
        """A booktabs table, title and caption included."""
        alignment = "l" + "r" * (len(self.cells.columns) - 1)
        rows = [list(self.cells.columns), *self.cells.itertuples(index=False)]
        lines = [" & ".join(_latex(cell) for cell in row) + r" \\" for row in rows]
        return "\n".join(
            [
                r"\begin{table}",
                r"\centering\small",
                rf"\caption{{{_latex(self.title)}. {_latex(self.caption)}}}",
                rf"\begin{{tabular}}{{{alignment}}}",
                r"\toprule",
                lines[0],
                r"\midrule",
                *lines[1:],
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
                "",
            ]
        )

    def to_rich(self) -> RichTable:
        """For the terminal."""
        shown = RichTable(
            title=escape(self.title), caption=escape(self.caption), title_justify="left"
        )
        for index, column in enumerate(self.cells.columns):
            shown.add_column(column, justify="left" if index == 0 else "right")
        for row in self.cells.itertuples(index=False):
            shown.add_row(*map(escape, row))
        return shown


FIGURES: Sequence[tuple[str, str, Formatter]] = (
    ("runtime_s", "runtime", duration),
    ("front_size", "front", whole),
    ("hypervolume", "hypervolume", significant),
    ("hypervolume_predicted", "predicted", significant),
    ("epochs", "epochs", whole),
    ("stopped", "stopped", whole),
    ("epochs_saved", "epochs saved", percent),
    ("runtime_saved", "time saved", percent),
    ("hypervolume_ratio", "HV / FIFO", ratio),
    ("utilisation", "utilisation", percent),
)
"""Column of `aggregate.summarise`, heading, format."""


def build(runs: pd.DataFrame, subject: str, with_paper: bool) -> list[Table]:
    """One table per scheduler (and searcher, if there are several), in the order they appear.

    Args:
        runs: From `aggregate.summarise`.
        subject: What was run on what data, for the captions.
        with_paper: Whether the published figures belong beside ours.
    """
    several = runs["searcher"].nunique() > 1
    tables: list[tuple[int, Table]] = []
    others: dict[str, int] = {}
    for (scheduler, searcher), group in runs.groupby(["scheduler", "searcher"], sort=False):
        # The paper's tables keep their numbers, others follow.
        number, title = paper.TABLES.get(str(scheduler), (0, str(scheduler)))
        number = number or others.setdefault(str(scheduler), len(paper.TABLES) + len(others) + 1)
        numbers, cells = _rows(group, number if with_paper else None)
        suffix = f", search by {searcher}" if several else ""
        table = Table(
            name=f"table-{number}" + (f"-{searcher}" if several else ""),
            title=f"Table {number}: {title} ({scheduler}{suffix})",
            caption=_caption(subject, group, with_paper),
            cells=cells,
            numbers=numbers,
        )
        tables.append((number, table))
    return [table for _, table in sorted(tables, key=lambda pair: pair[0])]


def overview(runs: pd.DataFrame) -> str:
    """All cells in one Markdown table: runtime · epochs · hypervolume ratio, medians over seeds.

    Args:
        runs: From `aggregate.summarise`.
    """
    cells = runs.groupby(["searcher", "scheduler", "objectives"], sort=False)[
        ["runtime_s", "epochs", "hypervolume_ratio"]
    ].median()
    several = runs["searcher"].nunique() > 1
    sets = list(runs["objectives"].unique())
    lines = [f"| | {' | '.join(map(markdown, sets))} |", "| --- |" + " ---: |" * len(sets)]
    texts: dict[str, dict[str, str]] = {}
    for cell in cells.reset_index().to_dict("records"):
        name = str(cell["objectives"])
        label = f"{cell['scheduler']}, {cell['searcher']}" if several else str(cell["scheduler"])
        against = cell["hypervolume_ratio"]
        shown = ratio(against) if np.isfinite(against) else "–"
        texts.setdefault(label, {})[name] = (
            f"{duration(cell['runtime_s'])} · {whole(cell['epochs'])} · {shown}"
        )
    for label, row in texts.items():
        lines.append(f"| {markdown(label)} | {' | '.join(row.get(name, '–') for name in sets)} |")
    return "\n".join(lines)


def comparison(runs: pd.DataFrame) -> str:
    """Schedulers against FIFO of the same seed, a Markdown table per objective set.

    The last row is the oracle: the limit of any scheduler that does not know the end.

    Args:
        runs: From `aggregate.summarise`.
    """
    parts = []
    for (searcher, objectives), group in runs.groupby(["searcher", "objectives"], sort=False):
        seeds = group.groupby("scheduler")["seed"].nunique().max()
        lines = [
            f"**{markdown(objectives)}**, search by {markdown(searcher)}, {count(seeds, 'seed')}",
            "",
            "| scheduler | epochs saved | time saved | HV / FIFO | front lost | resumes |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for scheduler, mine in group.groupby("scheduler", sort=False):
            columns = (
                ("epochs_saved", percent),
                ("runtime_saved", percent),
                ("hypervolume_ratio", ratio),
                ("front_lost", whole),
                ("resumes", whole),
            )
            cells = [_over_seeds(mine[c].dropna().to_numpy(float), f) for c, f in columns]
            lines.append(f"| {markdown(scheduler)} | {' | '.join(cells)} |")
        oracle = group.loc[group["scheduler"] == BASELINE, "oracle_saved"].to_numpy(float)
        if len(oracle):
            lines.append(f"| *oracle* | {_over_seeds(oracle, percent)} | | 1.000 | 0 | |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _rows(group: pd.DataFrame, paper_table: int | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    numbers, cells = [], []
    for objectives, runs in group.groupby("objectives", sort=False):
        number: dict[str, object] = {"objectives": objectives, "seeds": len(runs)}
        cell = {"objectives": str(objectives)}
        for column, heading, form in FIGURES:
            values = runs[column].dropna().to_numpy(dtype=float)
            cell[heading] = _median_and_range(values, form)
            if len(values):
                number |= {
                    f"{column}_median": float(np.median(values)),
                    f"{column}_min": values.min(),
                    f"{column}_max": values.max(),
                }
        published = paper.ROWS.get((paper_table or 0, str(objectives)))
        if published:
            number |= {f"paper_{k}": v for k, v in vars(published).items()}
            cell |= {
                "paper: runtime · front · predicted HV": " · ".join(
                    (
                        duration(published.runtime_s),
                        str(published.front_size),
                        significant(published.hypervolume),
                    )
                ),
                "recomputed: front · HV · epochs": " · ".join(
                    (
                        str(published.observed_front_size),
                        significant(published.observed_hypervolume),
                        str(published.epochs),
                    )
                ),
            }
        numbers.append(number)
        cells.append(cell)
    return pd.DataFrame(numbers), pd.DataFrame(cells).fillna("")


def _over_seeds(values: np.ndarray[tuple[int], np.dtype[np.float64]], form: Formatter) -> str:
    """The mean with its interval and range where there are seeds enough, else median and range."""
    if len(values) < ENOUGH_SEEDS or np.ptp(values) == 0:
        return _median_and_range(values, form)
    low, high = mean_interval(values)
    return (
        f"{form(values.mean())} [{form(low)}, {form(high)}] ({form(values.min())}–"
        f"{form(values.max())})"
    )


def _median_and_range(values: np.ndarray[tuple[int], np.dtype[np.float64]], form: Formatter) -> str:
    if len(values) == 0:
        return "–"
    median = form(float(np.median(values)))
    if len(values) == 1:
        return median
    return f"{median} ({form(values.min())}–{form(values.max())})"


def _caption(subject: str, group: pd.DataFrame, with_paper: bool) -> str:
    seeds = sorted(group["seed"].unique())
    spread = "one seed" if len(seeds) == 1 else f"median (range) of {len(seeds)} seeds"
    text = (
        f"{subject}; {spread}. Hypervolume: observed, each trial's last report against the fixed "
        "reference; predicted: of Ax's model, which is what the paper printed. Savings and HV / "
        "FIFO against the FIFO run of the same seed: the same initial configurations, after which "
        "a model-based search goes its own way. Runtime: the search, without the start of the "
        "training processes."
    )
    if with_paper:
        text += " Recomputed: the observed figures of the paper's own records."
    for column, what in (("failed", "failed"), ("fallbacks", "are fallbacks of the searcher")):
        if many := int(group[column].sum()):
            text += f" Of {int(group['trials'].sum())} trials, {many} {what}."
    return text


def _latex(text: str) -> str:
    return text.translate(LATEX)


LATEX = str.maketrans(
    {
        **{plain: "\\" + plain for plain in "%_&#${}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "·": r"$\cdot$",
        "–": "--",
        "≤": r"$\leq$",
        "×": r"$\times$",
    }
)
