"""The page on the paper says what the published and the recorded figures give."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from bench.analysis import survey
from bench.analysis.comparison import compare
from bench.analysis.paper import ROWS
from bench.analysis.statistics.wilcoxon import holm, signed_rank_p
from bench.report import comparison_text

ROOT = Path(__file__).resolve().parents[3]
REPORTS, RESULTS = ROOT / "reports", ROOT / "results"
PAGE = (REPORTS / "paper.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())
STOPPED = {key: row for key, row in ROWS.items() if key[0] != 1}


def saved(key: tuple[int, str]) -> float:
    """Return the published saving as a share of FIFO's runtime."""
    return 1 - ROWS[key].runtime_s / ROWS[1, key[1]].runtime_s


def observed(key: tuple[int, str]) -> float:
    return ROWS[key].observed_hypervolume / ROWS[1, key[1]].observed_hypervolume


def published(key: tuple[int, str]) -> float:
    return ROWS[key].hypervolume / ROWS[1, key[1]].hypervolume


def test_the_largest_saving_and_what_it_cost() -> None:
    most = max(STOPPED, key=saved)
    assert most == (3, "acc+loss")
    assert f"is {saved(most):.1%}".replace("%", " %") in TEXT
    assert f"{observed(most):.1%} of FIFO's observed".replace("%", " %") in TEXT
    assert f"{published(most):.1%} of its published".replace("%", " %") in TEXT


def test_the_ratio_that_comes_close() -> None:
    key = (4, "acc+loss")
    longer = ROWS[1, key[1]].runtime_s / ROWS[key].runtime_s - 1
    assert f"takes {100 * longer:.1f} % longer than the scheduler (1042 s against 691 s)" in TEXT
    assert f"But that is a saving of {100 * saved(key):.1f} %" in TEXT


def test_one_run_is_as_good_as_it_was_said_to_be() -> None:
    within = [key for key in STOPPED if observed(key) >= 0.98]
    assert within == [(4, "acc+loss+params")]
    assert (
        f"it has {observed(within[0]):.1%}, and saves {saved(within[0]):.1%}".replace("%", " %")
        in TEXT
    )


def test_predictions_are_lower_than_what_was_observed() -> None:
    def span(rows: list[tuple[int, str]]) -> str:
        shares = [ROWS[key].hypervolume / ROWS[key].observed_hypervolume for key in rows]
        assert max(shares) < 1
        return f"{100 * min(shares):.0f} to {100 * max(shares):.0f} %"

    assert f"are {span(list(ROWS))} of them" in TEXT
    assert f"FIFO's are {span([key for key in ROWS if key[0] == 1])} of them" in TEXT
    assert f"those of Table 2 are {span([key for key in ROWS if key[0] == 2])}" in TEXT
    worst = (2, "acc+params")
    assert (
        f"{published(worst):.0%} of FIFO as published and {observed(worst):.0%}".replace("%", " %")
        in TEXT
    )


def test_fewer_epochs_are_not_as_much_less_time() -> None:
    for key, table in (((2, "acc+loss"), "Table 2"), ((4, "acc+loss+params"), "Table 4")):
        fewer, less = 1 - ROWS[key].epochs / ROWS[1, key[1]].epochs, saved(key)
        digits = 0 if less > 0.1 else 1
        came_to = f"{100 * fewer:.0f} % fewer epochs came to {100 * less:.{digits}f} % less time"
        assert f"{came_to} in {table}" in TEXT or re.search(rf"In {table} \([^.]*{came_to}", TEXT)


@pytest.mark.parametrize("line", re.findall(r"\| [a-z].* × 4 \|.*", PAGE))
def test_tables_are_those_of_the_reports(line: str) -> None:
    name = "paper" if " 7 × 4 " in line else "schedulers"
    report = (REPORTS / "reference" / f"{name}-mnist-virtual" / "report.md").read_text("utf-8")
    scheduler = line.split(" × ")[0]
    (row,) = (row for row in report.splitlines() if row.startswith(f"{scheduler} × "))
    assert figures(line) == figures(row)


def figures(row: str) -> list[str]:
    """Return the numbers of a table's row, without the words between them."""
    return re.findall(r"\d+(?:\.\d+)?", row)


def runs_of(report: str, scheduler: str) -> pd.DataFrame:
    runs = pd.read_csv(REPORTS / "reference" / report / "runs.csv")
    return runs[runs["scheduler"] == scheduler]


def share(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}"


def test_what_hypervolume_promotion_does_where_it_was_not_chosen() -> None:
    datasets = pd.read_parquet(REPORTS / "reference" / "survey" / "datasets.parquet")
    tested = datasets[datasets.side == "test"]
    assert f"{tested.dataset.nunique()} data sets on which none was" in TEXT
    table = survey.losses_table(tested).set_index(["family", "scheduler"])
    for family in tested.family.unique():
        ours = table.loc[(family, "hv-promotion")]
        for scheduler in ("hv-promotion", "paper-dominance", "paper-rungwise"):
            found = table.loc[(family, scheduler)]
            cells = " | ".join(f"{share(found[name])} %" for name in ("saved", "loss", "worst"))
            assert f"| {family} | {scheduler} | {cells} |\n" in PAGE.replace("−", "-")
            assert found.saved >= ours.saved
            assert found.loss >= ours.loss


def test_a_longer_grace_period_loses_less() -> None:
    """The test compares the seeds' means over the objective sets, for 20 paired seeds."""
    means = [
        runs_of("schedulers-mnist-virtual", f"paper-dominance-g{k}")
        .groupby("seed")["hypervolume_ratio"]
        .mean()
        for k in (1, 2)
    ]
    assert signed_rank_p(means[1] - means[0]) < 0.001
    assert (
        "grace period 2 with grace period 1 over 20 paired seeds in virtual time with Sobol search "
        "([report](reference/schedulers-mnist-virtual/report.md)): p < 0.001."
    ) in TEXT


def test_what_eight_seeds_of_real_training_show() -> None:
    runs = pd.read_csv(REPORTS / "reference" / "paper-mnist" / "runs.csv")
    assert runs["seed"].nunique() == 8

    rungwise = runs[(runs["scheduler"] == "paper-rungwise-g1") & (runs["objectives"] == "acc+loss")]
    ratio = rungwise["hypervolume_ratio"]
    assert f"anything from {ratio.min():.2f} to {ratio.max():.2f} of FIFO's hypervolume" in TEXT

    fifo = runs[runs["scheduler"] == "fifo"]
    found = fifo[fifo["objectives"] == "acc+params"]["hypervolume"]
    assert f"{found.min():.0f} to {found.max():.0f} over our eight seeds" in TEXT

    trained = 100 * runs.groupby(["scheduler", "objectives"])["utilisation"].median()
    others = trained.drop("fifo")
    assert f"train for {trained['fifo'].min():.0f} to {trained['fifo'].max():.0f} % of" in TEXT
    assert f"the slots train for {others.min():.0f} to {others.max():.0f} % of it" in TEXT


def test_what_fewer_starting_points_give_and_cost() -> None:
    runs = pd.read_csv(REPORTS / "reference" / "paper-light-mnist" / "runs.csv")
    assert runs["seed"].nunique() == 6
    trained = 100 * runs.groupby(["scheduler", "objectives"])["utilisation"].median()
    stopping = trained.drop("fifo").unstack()
    three = stopping.pop("acc+loss+params")
    assert (
        f"{stopping.min(axis=None):.0f} to {stopping.max(axis=None):.0f} % of the search under "
        "stopping with two objectives. With three objectives they train for "
        f"{three.min():.0f} to {three.max():.0f} %."
    ) in TEXT
    light = "paper-light-mnist"
    found = compare(*(RESULTS / "reference" / name for name in ("paper-mnist", light)))
    change = found.overall["hypervolume"]
    kept, low, high = change.estimate.value, change.estimate.low, change.estimate.high
    assert (len(found.cells), change.seeds) == (16, 6)
    assert f"{kept:.3f} [{low:.3f}, {high:.3f}] times the other's (p = {change.p:.2f})" in TEXT
    page = (REPORTS / "reference" / light / "comparison.md").read_text("utf-8")
    assert comparison_text.table(found).iloc[-1]["hypervolume"] in page


def test_which_losses_eight_seeds_show() -> None:
    report = (REPORTS / "reference" / "paper-mnist" / "report.md").read_text("utf-8")
    verdicts = dict(re.findall(r"^\| (paper-\S+) \| 8 × 4 \|.*\| (.*) \|$", report, re.MULTILINE))
    assert verdicts == {
        "paper-dominance-g1": "less, p = 0.023",
        "paper-dominance-g2": "less, p = 0.023",
        "paper-rungwise-g1": "no difference shown, p = 0.055",
    }
    assert "with either grace period (p = 0.023)" in TEXT
    assert "For `paper-rungwise` a loss is not shown (p = 0.055)." in TEXT
    runs = pd.read_csv(REPORTS / "reference" / "paper-mnist" / "runs.csv")
    means = runs[runs.seed != 1].groupby(["scheduler", "seed"])["hypervolume_ratio"].mean() - 1
    found = holm([signed_rank_p(means[name].to_numpy()) for name in verdicts])
    assert f"without seed 1 p is {found[2]:.3f}." in TEXT


def test_both_tables_are_there() -> None:
    assert len(re.findall(r"\| [a-z].* × 4 \|.*", PAGE)) == 3 + 4


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert targets
    for target in targets:
        assert (REPORTS / target).exists(), target
