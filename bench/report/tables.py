"""Tables of runs, laid out as the paper's: for the terminal, Markdown, CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd
from rich.markup import escape
from rich.table import Table as RichTable

from bench.analysis import paper
from bench.analysis.aggregate import BASELINE
from bench.analysis.statistics import ENOUGH_SEEDS, mean_interval
from bench.formatting import count, duration, markdown, percent, ratio, significant, whole
from bench.report.tables_and_notes import Cell, Sheet, named

Formatter = Callable[[float], str]


@dataclass(frozen=True)
class Table:
    """A table ready to be shown.

    Args:
        name: File name without extension.
        series: Scheduler, with its searcher if there are several.
        title: One line.
        caption: What the figures are, and of which data; tables that follow one another mostly
            share it.
        remark: What holds for this table alone, or empty.
        cells: Formatted text, a row per objective set.
        numbers: The same as numbers, with median, min and max of every figure.
    """

    name: str
    series: str
    title: str
    caption: str
    remark: str
    cells: pd.DataFrame
    numbers: pd.DataFrame

    def to_markdown(self) -> str:
        """GitHub-flavoured Markdown, title and remark included."""
        rows = [
            [named(name), *map(Cell, figures)]
            for name, *figures in self.cells.itertuples(index=False)
        ]
        table = Sheet("", "", list(self.cells.columns), rows).grid()
        remark = f"\n{markdown(self.remark)}\n" if self.remark else ""
        return f"### {markdown(self.title)}\n\n{table}\n{remark}"

    def to_sheet(self) -> Sheet:
        """The same with what was published and recomputed in columns of their own."""
        with_paper = "paper_epochs" in self.numbers.columns
        theirs: Mapping[str, Sequence[Theirs]] = PUBLISHED if with_paper else {}
        rows = []
        for cells, numbers in zip(
            self.cells.to_dict("records"), self.numbers.to_dict("records"), strict=True
        ):
            row = [named(cells["objectives"])]
            for column, heading, form in FIGURES:
                row.append(Cell(cells[heading], numbers.get(f"{column}_median", np.nan)))
                for _, name in theirs.get(heading, ()):
                    value = float(numbers[name])
                    row.append(Cell(form(value) if np.isfinite(value) else "–", value))
            rows.append(row)
        header, groups = ["objectives"], [("", 1)]
        for _, heading, _ in FIGURES:
            others = [kind for kind, _ in theirs.get(heading, ())]
            header += ["here", *others] if others else [heading]
            groups.append((heading if others else "", 1 + len(others)))
        return Sheet(self.title, "", header, rows, groups=groups if with_paper else ())

    def to_latex(self) -> str:
        """A booktabs table, title, caption and remark included."""
        alignment = "l" + "r" * (len(self.cells.columns) - 1)
        rows = [list(self.cells.columns), *self.cells.itertuples(index=False)]
        lines = [" & ".join(_latex(cell) for cell in row) + r" \\" for row in rows]
        return "\n".join(
            [
                r"\begin{table}",
                r"\centering\small",
                rf"\caption{{{_latex(f'{self.title}. {self.caption} {self.remark}'.strip())}}}",
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
        """For the terminal, title and remark included."""
        shown = RichTable(
            title=escape(self.title), caption=escape(self.remark) or None, title_justify="left"
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

Theirs = tuple[str, str]
"""Whose figure, column of a table's numbers."""
PUBLISHED: Mapping[str, Sequence[Theirs]] = {
    "runtime": [("published", "paper_runtime_s")],
    "front": [("published", "paper_front_size"), ("recomputed", "paper_observed_front_size")],
    "hypervolume": [("recomputed", "paper_observed_hypervolume")],
    "predicted": [("published", "paper_hypervolume")],
    "epochs": [("recomputed", "paper_epochs")],
}
"""Heading of `FIGURES` → what stands beside ours."""


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
            series=f"{scheduler}, {searcher}" if several else str(scheduler),
            title=f"Table {number}: {title} ({scheduler}{suffix})",
            caption=_caption(subject, group, with_paper),
            remark=_remark(group),
            cells=cells,
            numbers=numbers,
        )
        tables.append((number, table))
    return [table for _, table in sorted(tables, key=lambda pair: pair[0])]


def captions_due(tables: Sequence[Table]) -> list[str]:
    """What to print after each table: its caption where the next has another, else nothing.

    Returns:
        As many as tables; a caption says of which tables it is.
    """
    due: list[str] = []
    for caption, group in groupby(tables, key=lambda table: table.caption):
        names = [table.title.partition(":")[0] for table in group]
        of = names[0] if names[0] == names[-1] else f"{names[0]} to {names[-1]}"
        due += [""] * (len(names) - 1) + [f"{of}: {caption}"]
    return due


def joined(tables: Sequence[Table]) -> Sheet:
    """All tables in one, a row per scheduler and objective set."""
    sheets = [(table.series, table.to_sheet()) for table in tables]
    rows = [[named(series), *row] for series, sheet in sheets for row in sheet.rows]
    lead = ": medians over the seeds, and ranges."
    header = ["scheduler", *sheets[0][1].header]
    return Sheet("Every scheduler and objective set", lead, header, rows, frozenset({0, 1}))


def overview(runs: pd.DataFrame) -> Sheet:
    """All cells in one table: runtime · epochs · hypervolume ratio, medians over the seeds.

    Args:
        runs: From `aggregate.summarise`.
    """
    cells = runs.groupby(["searcher", "scheduler", "objectives"], sort=False)[
        ["runtime_s", "epochs", "hypervolume_ratio"]
    ].median()
    several = runs["searcher"].nunique() > 1
    sets = list(runs["objectives"].unique())
    texts: dict[str, dict[str, Cell]] = {}
    for cell in cells.reset_index().to_dict("records"):
        name = str(cell["objectives"])
        label = f"{cell['scheduler']}, {cell['searcher']}" if several else str(cell["scheduler"])
        against = cell["hypervolume_ratio"]
        shown = ratio(against) if np.isfinite(against) else "–"
        text = f"{duration(cell['runtime_s'])} · {whole(cell['epochs'])} · {shown}"
        texts.setdefault(label, {})[name] = Cell(text, float(cell["epochs"]))
    rows = [[named(n), *(row.get(s, Cell("–")) for s in sets)] for n, row in texts.items()]
    lead = (
        ": runtime · epochs trained · observed hypervolume against FIFO of the same seed, medians."
    )
    return Sheet("All cells", lead, ["", *sets], rows)


COMPARED: Sequence[tuple[str, str, Formatter]] = (
    ("epochs_saved", "epochs saved", percent),
    ("runtime_saved", "time saved", percent),
    ("hypervolume_ratio", "HV / FIFO", ratio),
    ("front_lost", "front lost", whole),
    ("resumes", "resumes", whole),
)
"""Column of `aggregate.summarise`, heading, format: what is set against FIFO."""


def comparison(runs: pd.DataFrame) -> list[Sheet]:
    """Schedulers against FIFO of the same seed, a table per searcher and objective set.

    The last row is the oracle: the limit of any scheduler on the configurations that FIFO met.

    Args:
        runs: From `aggregate.summarise`.
    """
    sheets = []
    for (searcher, objectives), group in runs.groupby(["searcher", "objectives"], sort=False):
        seeds = group.groupby("scheduler")["seed"].nunique().max()
        rows = []
        for scheduler, mine in group.groupby("scheduler", sort=False):
            cells = [_over_seeds(mine[c].dropna().to_numpy(float), f) for c, _, f in COMPARED]
            rows.append([named(scheduler), *cells])
        oracle = group.loc[group["scheduler"] == BASELINE, "oracle_saved"].to_numpy(float)
        if len(oracle):
            saved, aside = _over_seeds(oracle, percent), Cell("oracle", kind="aside")
            rows.append([aside, saved, Cell(""), Cell("1.000", 1.0), Cell("0", 0.0), Cell("")])
        lead = f", search by {searcher}, {count(seeds, 'seed')}"
        header = ["scheduler", *(heading for _, heading, _ in COMPARED)]
        sheets.append(Sheet(str(objectives), lead, header, rows))
    return sheets


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


def _over_seeds(values: np.ndarray[tuple[int], np.dtype[np.float64]], form: Formatter) -> Cell:
    """The mean with its interval and range where there are seeds enough, else median and range."""
    if len(values) < ENOUGH_SEEDS or np.ptp(values) == 0:
        middle = float(np.median(values)) if len(values) else np.nan
        return Cell(_median_and_range(values, form), middle)
    low, high = mean_interval(values)
    spread = f"[{form(low)}, {form(high)}] ({form(values.min())}–{form(values.max())})"
    return Cell(f"{form(values.mean())} {spread}", float(values.mean()))


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
    return text


def _remark(group: pd.DataFrame) -> str:
    told = (("failed", "failed"), ("fallbacks", "suggested as fallbacks of the searcher"))
    counts = [f"{many} {what}" for column, what in told if (many := int(group[column].sum()))]
    return f"Of {int(group['trials'].sum())} trials, {', '.join(counts)}." if counts else ""


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
