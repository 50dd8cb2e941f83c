"""Tables of runs in the layout of the paper's tables: for Markdown, the page, CSV and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from bench.analysis import paper
from bench.analysis.aggregate import BASELINE
from bench.analysis.statistics import ENOUGH_SEEDS, mean_interval
from bench.formatting import count, duration, markdown, percent, ratio, significant, whole
from bench.report.tables_and_notes import Cell, Sheet, named

Formatter = Callable[[float], str]
"""Writes a number as people read it."""


@dataclass(frozen=True)
class Table:
    """The runs of one scheduler and searcher, ready to be shown.

    Args:
        name: The file name without extension.
        series: The scheduler's name, with the searcher's if there are several.
        short: What a caption calls the table: its number, or else `series`.
        title: The title, one line.
        caption: An explanation of the columns and the data. Tables that follow one another mostly
            share it.
        remark: A sentence that holds for this table alone; may be empty.
        cells: The text of the figures, one row per objective set.
        numbers: The figures as numbers: median, min and max of each, one row per objective set.
    """

    name: str
    series: str
    short: str
    title: str
    caption: str
    remark: str
    cells: pd.DataFrame
    numbers: pd.DataFrame

    def to_markdown(self) -> str:
        """Return GitHub-flavoured Markdown with title and remark."""
        rows = [
            [named(name), *map(Cell, figures)]
            for name, *figures in self.cells.itertuples(index=False)
        ]
        table = Sheet("", "", list(self.cells.columns), rows).grid()
        remark = f"\n{markdown(self.remark)}\n" if self.remark else ""
        return f"### {markdown(self.title)}\n\n{table}\n{remark}"

    def to_sheet(self) -> Sheet:
        """Return the table for the page, with the paper's figures in columns of their own."""
        with_paper = "paper_epochs" in self.numbers.columns
        theirs: Mapping[str, Sequence[Theirs]] = PUBLISHED if with_paper else {}
        rows = []
        for cells, numbers in zip(
            self.cells.to_dict("records"), self.numbers.to_dict("records"), strict=True
        ):
            row = [named(cells["objectives"])]
            for column, heading, form in self._figures:
                row.append(Cell(cells[heading], numbers.get(f"{column}_median", np.nan)))
                for _, name in theirs.get(heading, ()):
                    value = float(numbers[name])
                    row.append(Cell(form(value) if np.isfinite(value) else "–", value))
            rows.append(row)
        header, groups = ["objectives"], [("", 1)]
        for _, heading, _ in self._figures:
            others = [kind for kind, _ in theirs.get(heading, ())]
            header += ["here", *others] if others else [heading]
            groups.append((heading if others else "", 1 + len(others)))
        return Sheet(self.title, "", header, rows, groups=groups if with_paper else ())

    def to_latex(self) -> str:
        """Return a LaTeX table for the package booktabs, with title, caption and remark."""
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

    @property
    def _figures(self) -> list[tuple[str, str, Formatter]]:
        """The entries of `FIGURES` that this table shows."""
        return [figure for figure in FIGURES if figure[1] in self.cells.columns]


FIGURES: Sequence[tuple[str, str, Formatter]] = (
    ("runtime_s", "runtime", duration),
    ("front_size", "front", whole),
    ("hypervolume", "hypervolume", significant),
    ("hypervolume_predicted", "predicted", significant),
    ("epochs", "epochs", whole),
    ("stopped", "stopped", whole),
    ("epochs_saved", "epochs saved", percent),
    ("runtime_saved", "time saved", percent),
    ("hypervolume_ratio", "hypervolume / FIFO's", ratio),
    ("utilisation", "utilisation", percent),
)
"""Each figure of a table: the column of `aggregate.summarise`, the heading and the format."""
PREDICTED = "predicted"
"""The heading of the hypervolume that Ax's model predicts; left out where no run has one."""

Theirs = tuple[str, str]
"""Where a figure of the paper comes from, and its column in `Table.numbers`."""
PUBLISHED: Mapping[str, Sequence[Theirs]] = {
    "runtime": [("published", "paper_runtime_s")],
    "front": [("published", "paper_front_size"), ("recomputed", "paper_observed_front_size")],
    "hypervolume": [("recomputed", "paper_observed_hypervolume")],
    "predicted": [("published", "paper_hypervolume")],
    "epochs": [("recomputed", "paper_epochs")],
}
"""Heading in `FIGURES` → the paper's figures that stand beside ours."""


def build(
    runs: pd.DataFrame, subject: str, with_paper: bool, *, numbered: bool = False
) -> list[Table]:
    """Return one table per scheduler (and searcher, if there are several).

    Args:
        runs: The frame from `aggregate.summarise`.
        subject: The data, the budget and the slots, for the captions.
        with_paper: Whether the paper's published figures stand beside ours.
        numbered: Whether the tables have the paper's numbers, and further ones the numbers after
            it. Otherwise their names are those of their schedulers.

    Returns:
        The tables in the order of their numbers; without numbers, in that of the runs.
    """
    searchers = runs["searcher"].nunique()
    hidden = set() if with_paper or runs["hypervolume_predicted"].notna().any() else {PREDICTED}
    tables: list[tuple[int, Table]] = []
    others: dict[str, int] = {}
    taken: set[str] = set()
    for (scheduler, searcher), group in runs.groupby(["scheduler", "searcher"], sort=False):
        series = f"{scheduler}, {searcher}" if searchers > 1 else str(scheduler)
        number, title = paper.TABLES.get(str(scheduler), (0, str(scheduler)))
        number = number or others.setdefault(str(scheduler), len(paper.TABLES) + len(others) + 1)
        numbers, cells = _rows(group, number if with_paper else None, hidden)
        suffix = f", search by {searcher}" if searchers > 1 else ""
        name = str(number if numbered else scheduler) + (f"-{searcher}" if searchers > 1 else "")
        table = Table(
            name=_file_name(f"table-{name}", taken),
            series=series,
            short=f"Table {number}" if numbered else series,
            title=f"Table {number}: {title} ({scheduler}{suffix})"
            if numbered
            else f"{scheduler}{suffix}",
            caption=_caption(subject, group, with_paper, hidden),
            remark=_remark(group),
            cells=cells,
            numbers=numbers,
        )
        tables.append((number if numbered else 0, table))
    return [table for _, table in sorted(tables, key=lambda pair: pair[0])]


def captions_due(tables: Sequence[Table]) -> list[str]:
    """Return what to print after each table: its caption if the next table has another one.

    Returns:
        One text per table, empty where no caption is due. A caption names its tables.
    """
    due: list[str] = []
    for caption, group in groupby(tables, key=lambda table: table.caption):
        names = [table.short for table in group]
        of = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
        due += [""] * (len(names) - 1) + [f"{of}: {caption}"]
    return due


def joined(tables: Sequence[Table]) -> Sheet:
    """Return all tables as one, with a row per scheduler and objective set."""
    sheets = [(table.series, table.to_sheet()) for table in tables]
    rows = [[named(series), *row] for series, sheet in sheets for row in sheet.rows]
    lead = ": the median over the seeds, and the range in brackets."
    header = ["scheduler", *sheets[0][1].header]
    return Sheet("Every scheduler and objective set", lead, header, rows, frozenset({0, 1}))


def overview(runs: pd.DataFrame) -> Sheet:
    """Return all cells in one table, each as runtime · epochs · hypervolume / FIFO's.

    Args:
        runs: The frame from `aggregate.summarise`; the table shows medians over its seeds.
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
        ": runtime · trained epochs · observed hypervolume / FIFO's with the same seed. Each is a "
        "median over the seeds."
    )
    return Sheet("All cells", lead, ["", *sets], rows)


COMPARED: Sequence[tuple[str, str, Formatter]] = (
    ("epochs_saved", "epochs saved", percent),
    ("runtime_saved", "time saved", percent),
    ("hypervolume_ratio", "hypervolume / FIFO's", ratio),
    ("front_lost", "front lost", whole),
    ("resumes", "resumes", whole),
)
"""Each figure of a comparison with FIFO: the column of `aggregate.summarise`, heading, format."""


def comparison(runs: pd.DataFrame) -> list[Sheet]:
    """Return a table per searcher and objective set: each scheduler against FIFO's same seed.

    The last row is the oracle: the most that a scheduler can save on FIFO's configurations without
    losing a member of FIFO's final front.

    Args:
        runs: The frame from `aggregate.summarise`.
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


def _file_name(text: str, taken: set[str]) -> str:
    """Return a file name made from text, which may hold any character, and add it to `taken`."""
    plain = name = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:100].rstrip("-.")
    copy = 1
    while name.lower() in taken:  # some file systems take A and a for one
        copy += 1
        name = f"{plain}-{copy}"
    taken.add(name.lower())
    return name


def _rows(
    group: pd.DataFrame, paper_table: int | None, hidden: Collection[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    numbers, cells = [], []
    for objectives, runs in group.groupby("objectives", sort=False):
        number: dict[str, object] = {"objectives": objectives, "seeds": len(runs)}
        cell = {"objectives": str(objectives)}
        for column, heading, form in FIGURES:
            values = runs[column].dropna().to_numpy(dtype=float)
            if heading not in hidden:
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
                "paper: runtime · front · predicted hypervolume": " · ".join(
                    (
                        duration(published.runtime_s),
                        str(published.front_size),
                        significant(published.hypervolume),
                    )
                ),
                "recomputed: front · hypervolume · epochs": " · ".join(
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
    """Return mean, interval and range with enough seeds, else median and range."""
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


def _caption(subject: str, group: pd.DataFrame, with_paper: bool, hidden: Collection[str]) -> str:
    seeds = group["seed"].nunique()
    spread = "One seed" if seeds == 1 else f"Each figure is the median (range) of {seeds} seeds"
    sentences = [
        f"{subject}. {spread}.",
        "Hypervolume is observed: each trial's last report against the fixed reference point.",
    ]
    if PREDICTED not in hidden:
        as_published = ", the kind that the paper printed" if with_paper else ""
        sentences.append(f"Predicted is the hypervolume by Ax's model{as_published}.")
    sentences += [
        "The columns that compare with FIFO use FIFO's run of the same seed. Both begin with the "
        "same configurations; later a search that uses a model takes its own way.",
        "Runtime is the search without the start of the training processes.",
    ]
    if with_paper:
        sentences.append("Recomputed figures are observed in the paper's own records.")
    return " ".join(sentences)


def _remark(group: pd.DataFrame) -> str:
    trials, failed, others = (
        int(group[column].sum()) for column in ("trials", "failed", "fallbacks")
    )
    told = [f"{failed} failed"] if failed else []
    if others:
        told.append(
            f"{others} {'was' if others == 1 else 'were'} suggested by the searcher's fallback"
        )
    return f"Of {count(trials, 'trial')}, {' and '.join(told)}." if told else ""


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
"""Character → how LaTeX writes it."""
