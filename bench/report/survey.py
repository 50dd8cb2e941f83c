"""The report of a survey: one Markdown page, its figures, and the numbers per data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from bench.analysis import survey
from bench.analysis.survey import MARGINS, RANKED
from bench.formatting import code, count, markdown_table, percent
from bench.matrix.surveys import BASELINE, REPLICATE
from bench.records import files
from bench.report.figures import plots_survey

TEXT, NUMBERS = "README.md", "datasets.parquet"
FLAGSHIP = "hv-promotion"
COSTS: Mapping[str, str] = {"epochs": "", "time": "s"}
"""Name of a cost → the ending of its columns."""
EQUAL = ("@5", "@10", "@20", "")
"""The endings of the measures that are compared: at shares of FIFO's epochs, and at the end."""


def write(rows: pd.DataFrame, title: str, folder: Path) -> None:
    """Write the report of a survey.

    Args:
        rows: The rows of the survey, of both sides of the split.
        title: The survey's title.
        folder: Where the report is written.

    Raises:
        UserError: If the folder cannot be written.
    """
    datasets = survey.by_dataset(survey.with_losses(rows))
    files.check_folder(folder)
    with files.staged_folder(folder) as staging:
        (staging / "figures").mkdir()
        numbers = datasets.astype(dict.fromkeys(datasets.select_dtypes("number"), "float32"))
        numbers.to_parquet(staging / NUMBERS, index=False, compression="zstd")
        tested = datasets[datasets.side == "test"]
        shown = tested if len(tested) else datasets
        subject = _subject(shown)
        anytime = {cost: _anytime(shown, by) for cost, by in COSTS.items()}
        ranks = {
            f"{measure}, {_moment(ending)}": survey.ranks(shown, measure + ending, _ranked(shown))
            for measure in RANKED
            for ending in ("@10", "")
            if len(_ranked(shown)) > 1
        }
        figures = plots_survey.write_all(shown, anytime, ranks, staging / "figures", subject)
        text = "\n".join(_page(datasets, rows, title, figures))
        (staging / TEXT).write_text(text, "utf-8")


def _ranked(datasets: pd.DataFrame) -> list[str]:
    return [s for s in datasets.scheduler.unique() if s not in (BASELINE, REPLICATE)]


def _subject(datasets: pd.DataFrame) -> str:
    sides = " and ".join(sorted(datasets.side.unique()))
    return f"{count(datasets.dataset.nunique(), 'data set')} of the {sides} side of the split"


def _moment(ending: str) -> str:
    return f"at {ending.removeprefix('@')} % of FIFO's epochs" if ending else "at the end"


def _page(
    datasets: pd.DataFrame, rows: pd.DataFrame, title: str, figures: list[str]
) -> Iterator[str]:
    seeds = rows.groupby(["dataset", "objectives"]).seed.nunique()
    some = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    yield f"# {title}\n"
    yield (
        f"{count(len(rows), 'run')} on {count(datasets.dataset.nunique(), 'data set')} in virtual "
        f"time; number of seeds per data set and objective set: {some}. The data set is the unit "
        "of every statement: its runs are averaged first. A hash of its name puts each data set on "
        "the tuning or the test side (`bench/matrix/split.py`); this suite's constants were chosen "
        "on the tuning side.\n"
    )
    for name in figures:
        yield f"![{name}](figures/{name}.png)\n"
    for side, group in datasets.groupby("side"):
        yield f"## Saved and lost, {side} side\n"
        yield _LOSSES
        yield _losses(group) + "\n"
    shown = datasets[datasets.side == "test"]
    shown = shown if len(shown) else datasets
    for cost, by in COSTS.items():
        yield f"## Regret at shares of FIFO's {cost}, near reference\n"
        yield _ANYTIME
        yield markdown_table(_anytime(shown, by)) + "\n"
    if len(_ranked(shown)) > 1:
        yield "## Mean ranks over data sets\n"
        yield _RANKS
        for family, group in [("all families", shown), *shown.groupby("family", sort=False)]:
            yield f"**{family}**, {count(group.dataset.nunique(), 'data set')}\n"
            yield markdown_table(_rank_table(group)) + "\n"
    if FLAGSHIP in _ranked(shown) and len(_ranked(shown)) > 1:
        yield f"## {FLAGSHIP} against each other scheduler\n"
        yield _DUELS
        yield markdown_table(_duels(shown)) + "\n"
    yield "## How this was made\n"
    yield from (f"- {name}: {code(value)}" for name, value in _provenance(rows))
    yield ""


_LOSSES = (
    "*lost* is the share of FIFO's hypervolume, with the same configurations, that a run does not "
    "have, up to the problem's reference values. *bound* is the one-sided 95 % upper bound of the "
    "mean over data sets (Hall's interval, for skewed values), each by itself; *below* says if "
    "it is below that margin. *detectable* is the smallest mean loss that a one-sided t test on so "
    "many data sets would show to be above 0 with probability 0.8. *near* is the loss up to the "
    "near reference, in per cent of the *known front's* hypervolume, because FIFO's own may be 0.\n"
)
_ANYTIME = (
    "0 is the known front. The last report of each trial counts. A run that has ended is carried "
    "on as it is. The near reference is the nadir of the known front plus a tenth of its range.\n"
)
_RANKS = (
    "1 is best; regrets are rounded to multiples of "
    f"{survey.TIE:g}. The endings say after how many per cent of FIFO's epochs. Schedulers whose "
    "mean ranks differ by less than the critical difference (Nemenyi, 0.05) are not told apart.\n"
)
_DUELS = (
    "Wins–ties–losses over data sets: by the loss of hypervolume (`loss`) and the near regrets, at "
    "10 % of FIFO's epochs and at the end. Differences up to "
    f"{survey.TIE:g} are ties. p is of the signed-rank test, corrected for the number of "
    "schedulers (Holm), not for measures and families.\n"
)


def _anytime(datasets: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return mean regrets without the replicate, which only some of the data sets have."""
    return survey.anytime_table(datasets[datasets.scheduler != REPLICATE], by=by)


def _losses(group: pd.DataFrame) -> str:
    table = survey.losses_table(group)
    if not len(table):
        return "FIFO has no hypervolume on any data set, so nothing can be lost."
    shares = ["saved", "time saved", "loss", "bound", "detectable", "median", "95 %", "worst"]
    for name in (*shares, "worst run", "near loss"):
        table[name] = table[name].map(percent)
    for margin in MARGINS:
        name = f"below {margin:.1%}"
        table[name] = table[name].map({True: "yes", False: "no"})
    return markdown_table(table.rename(columns={"loss": "lost", "near loss": "near"}))


def _rank_table(datasets: pd.DataFrame) -> pd.DataFrame:
    columns, last = {}, {}
    for measure in RANKED:
        for ending in EQUAL:
            means, difference = survey.ranks(datasets, measure + ending, _ranked(datasets))
            columns[f"{measure}{ending}"] = means
            last[f"{measure}{ending}"] = difference
    table = pd.DataFrame(columns).sort_values(f"{RANKED[0]}@10")
    table.loc["critical difference"] = last
    return table.reset_index(names="scheduler")


def _duels(datasets: pd.DataFrame) -> pd.DataFrame:
    """Return wins–ties–losses and p, with a row per family and scheduler."""
    columns = ["loss", *(m + ending for m in RANKED for ending in ("@10", ""))]
    others = [name for name in _ranked(datasets) if name != FLAGSHIP]
    table = survey.duels(datasets, FLAGSHIP, others, columns)
    if not len(table):
        return table
    columns_of = (table[name].tolist() for name in ("wins", "ties", "losses", "p"))
    counts = zip(*columns_of, strict=True)
    table["found"] = [f"{w}–{t}–{lost}, p {_p(p)}" for w, t, lost, p in counts]
    wide = table.pivot(index=["family", "against"], columns="measure", values="found")
    return wide[columns].reset_index()


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _provenance(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    for title, name in (("command", "command"), ("commit", "commit"), ("machine", "machine")):
        for value in sorted(rows[name].unique()):
            yield title, value
    yield "seeds", ", ".join(str(seed) for seed in sorted(rows.seed.unique()))
