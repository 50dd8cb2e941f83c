"""The page that compares schedulers shows the reports' figures, and every scheduler's parameters.

When the reports change, `facts` and `overview.table` give the figures and the table to write.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from bench.matrix import catalogue
from bench.report import overview
from mobo_core.tune import HyperBand
from mobo_core.virtual import TUNE_AHEAD, Cluster, InOrder, RecordedCurves, simulate

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "schedulers.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())
TUNE = " ".join((ROOT / "docs" / "tune.md").read_text("utf-8").split())
REPORTS = ROOT / "reports" / "reference"
REPORT = {
    "mfeat-factors": "lcbench-167152",
    "cnae-9": "lcbench-167185",
    "volkert": "lcbench-168331",
    "MNIST": "schedulers-mnist-virtual",
}
"""Data set → report, in the order of the page's figures."""
HV, ETA2, STOPPING = "hv-promotion", "moasha-promotion-eta2", "projected-stopping"
OURS = (HV, STOPPING, ETA2)
OTHERS = ("paper-rungwise-g1", "paper-dominance-g1", "median", "asha", "asha-random-weights")
LESS = re.compile(r"^\| ([a-z0-9-]+) \| 20 × \d \|.*\| less, p [^|]*\|$", re.MULTILINE)


@cache
def rows() -> pd.DataFrame:
    return overview.collect(REPORTS / name for name in REPORT.values())


@cache
def text(dataset: str) -> str:
    return (REPORTS / REPORT[dataset] / "report.md").read_text("utf-8")


def of(scheduler: str, column: str) -> list[float]:
    """Return a scheduler's figure in per cent, by data set in the order of the page."""
    mine = rows()[rows()["scheduler"] == scheduler].set_index("dataset")[column]
    return [100 * float(mine[dataset]) for dataset in REPORT if dataset in mine.index]


def saved(dataset: str) -> pd.Series[float]:
    return rows()[rows()["dataset"] == dataset].set_index("scheduler")["saved"]


def running_time(scheduler: str, target: int) -> list[float]:
    """Return the expected running time to 99 or 100 % of FIFO's hypervolume, by data set."""
    found = []
    for dataset in REPORT:
        table = re.split(r"\*\*Expected running time", text(dataset))[1]
        row = re.search(rf"^\| {scheduler} \| [^|]*\|([^|]*)\|([^|]*)\|$", table, re.MULTILINE)
        assert row
        found.append(float(row[{99: 1, 100: 2}[target]].split()[0]))
    return found


def span(values: list[float], digits: int = 0) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def less(column: str, better: str, other: str) -> list[float]:
    """Return by how many points the other scheduler's figure is smaller, by data set."""
    return [a - b for a, b in zip(of(better, column), of(other, column), strict=True)]


def figures(rows: dict[str, list[float]], *headings: str) -> str:
    """Return a table of figures with a column for each data set."""
    columns = [*headings, *REPORT]
    lines = [" | ".join(columns), " | ".join(["---"] * len(headings) + ["---:"] * len(REPORT))]
    lines += [
        " | ".join([name, *(f"{value:.1f}" for value in values)]) for name, values in rows.items()
    ]
    return "\n".join(f"| {line} |" for line in lines)


def running_times() -> str:
    rows = {
        f"{target} % of FIFO's | {scheduler}": running_time(scheduler, target)
        for target in (99, 100)
        for scheduler in ("fifo", HV, ETA2)
    }
    return figures(rows, "hypervolume", "scheduler")


def losses() -> str:
    return figures({name: of(name, "lost") for name in (*OURS, *OTHERS)}, "scheduler")


def pairs() -> list[tuple[str, str, str]]:
    """Return data set, promotion and stopping with the same ranks, η and grace period."""
    return [
        (dataset, scheduler, scheduler.replace("promotion", "stopping"))
        for dataset in REPORT
        for scheduler in saved(dataset).index
        if scheduler.startswith("moasha-promotion")
    ]


def later() -> list[float]:
    """Return by how many points less is saved if no trial ends before epoch 4."""
    return [
        100 * float(saved(dataset)[scheduler.removesuffix("-g4")] - saved(dataset)[scheduler])
        for dataset in REPORT
        for scheduler in saved(dataset).index
        if scheduler.endswith("-g4")
    ]


def losing(dataset: str) -> set[str]:
    """Return the schedulers whose loss of hypervolume the report shows."""
    return set(LESS.findall(text(dataset)))


def free() -> str:
    volkert = saved("volkert").index
    exempt = [f"`{name}`" for name in volkert if name not in losing("volkert")]
    return (
        f"all {len(losing('MNIST'))} are shown to lose hypervolume on MNIST, all "
        f"{len(losing('cnae-9'))} on mfeat-factors and cnae-9, and on volkert all but "
        f"{' and '.join(exempt)}"
    )


@cache
def facts() -> dict[str, str]:
    """Return every figure of the page, by the name of its place."""
    spent, kept = less("saved", HV, ETA2), less("mean", ETA2, HV)
    promoted = [
        100 * float(saved(dataset)[stopping] - saved(dataset)[promotion])
        for dataset, promotion, stopping in pairs()
    ]
    # The two data sets on which η = 2 keeps more than hypervolume promotion, for the same price.
    (price,) = {f"{value:.0f}" for value in spent[:2]}
    return {
        "hv_saved": span(of(HV, "saved")),
        "hv_lost": span(of(HV, "lost"), 1),
        "ps_saved": span(of(STOPPING, "saved")),
        "ps_lost": span(of(STOPPING, "lost"), 1),
        "e2_saved": span(of(ETA2, "saved")),
        "e2_lost": span(of(ETA2, "lost"), 1),
        "g4_saved": span(of(f"{ETA2}-g4", "saved")),
        "g4_lost": span(of(f"{ETA2}-g4", "lost"), 1),
        "free": free(),
        "hv_worst": f"{min(of(HV, 'worst')):.1f}",
        "ps_less": span(less("saved", HV, STOPPING), 1),
        "price": price,
        "e2_kept": f"{kept[0]:.1f} and {kept[1]:.1f}",
        "e2_range": span(kept[:2], 1),
        "volkert_price": f"{-spent[2]:.1f}",
        "volkert_less": f"{-kept[2]:.1f}",
        "mnist_price": f"{spent[3]:.1f}",
        "mnist_less": f"{-kept[3]:.1f}",
        "pairs": str(len(pairs())),
        "promoted": span(promoted, 1),
        "later": span(later(), 1),
        "pd": span(of("paper-dominance-g1", "lost"), 1),
        "pr": span(of("paper-rungwise-g1", "lost"), 1),
        "median": span(of("median", "lost"), 1),
        "asha": span(of("asha", "lost"), 1),
        "arw": span(of("asha-random-weights", "lost"), 1),
    }


SENTENCES = """
| `hv-promotion` | saves {hv_saved} %, loses {hv_lost} % |
| `projected-stopping` | saves {ps_saved} %, loses {ps_lost} % |
| `moasha-promotion` with `reduction_factor = 2` | saves {e2_saved} %, loses {e2_lost} % |
| the same with `grace_period = 4` | saves {g4_saved} %, loses {g4_lost} % (LCBench only) |
With 20 seeds, {free}.
its worst run kept {hv_worst} %.
It saves {ps_less} points less than `hv-promotion`.
and you would spend {price} % more of FIFO's epochs to keep {e2_range} % more of its hypervolume.
On mfeat-factors and cnae-9 it keeps {e2_kept} % more of FIFO's hypervolume than `hv-promotion`, for {price} % more of FIFO's epochs.
On MNIST it keeps {mnist_less} % less for {mnist_price} % more epochs.
On volkert it keeps {volkert_less} % less and saves {volkert_price} points more.
in all {pairs} pairs. It saves {promoted} points less.
It saves {later} points less than with the default.
`paper-dominance-g1` saves the most on all four data sets, and loses {pd} %.
`paper-rungwise-g1` loses {pr} %.
`median` loses {median} %.
`asha` loses {asha} % with equal weights. With weights drawn for each trial it loses {arw} %.
"""  # noqa: E501 - the page's own sentences


@pytest.mark.parametrize("sentence", SENTENCES.strip().splitlines())
def test_every_figure_is_that_of_the_reports(sentence: str) -> None:
    assert sentence.format(**facts()) in TEXT


def test_the_advice_for_tune_users_is_that_of_the_reports() -> None:
    advice = (
        "you would spend {price} % more of FIFO's epochs to keep {e2_range} % more of its "
        "hypervolume | `PromotionMOASHA` with `reduction_factor=2`; it did so on two of four data "
        "sets, and kept less on the other two |"
    )
    assert advice.format(**facts()) in TUNE
    assert [value > 0 for value in less("mean", ETA2, HV)] == [True, True, False, False]


@pytest.mark.parametrize("table", [running_times, losses])
def test_its_small_tables_are_those_of_the_reports(table: Callable[[], str]) -> None:
    assert table() in PAGE


def test_claims_without_figures() -> None:
    for dataset in REPORT:
        frame = rows()[rows()["dataset"] == dataset].set_index("scheduler")
        careful = frame[frame["lost"] <= 0.005]
        assert careful["saved"].idxmax() == HV
        assert frame["saved"].idxmax() == "paper-dominance-g1"
    for ours, fifo in zip(running_time(HV, 99), running_time("fifo", 99), strict=True):
        assert ours < 0.5 * fifo
    alike = slice(0, 2)  # mfeat-factors and cnae-9
    for found, ours, other in zip(
        *(running_time(name, 100)[alike] for name in ("fifo", HV, ETA2)), strict=True
    ):
        assert other < 0.5 * found < found < ours
    for dataset, promotion, stopping in pairs():
        kept = rows()[rows()["dataset"] == dataset].set_index("scheduler")["mean"]
        assert kept[promotion] > kept[stopping]
    for dataset in ("mfeat-factors", "cnae-9", "MNIST"):
        assert losing(dataset) == set(saved(dataset).index)


def test_two_data_sets_are_much_alike() -> None:
    found = {}
    for dataset in ("mfeat-factors", "cnae-9"):
        runs = pd.read_csv(REPORTS / REPORT[dataset] / "runs.csv").query("scheduler == 'fifo'")
        found[dataset] = runs.set_index(["objectives", "seed"])["hypervolume"]
    sets = pd.DataFrame(found).groupby("objectives")
    alike = sets.apply(lambda one: one["mfeat-factors"].corr(one["cnae-9"], method="spearman"))
    assert (alike > 0.85).sum() == 2
    assert len(alike) == 3


def test_its_table_is_that_of_the_reports() -> None:
    assert overview.table(rows()) in PAGE


def test_every_parameter_and_its_default_is_there() -> None:
    for name, factory in catalogue.SCHEDULERS.items():
        rows = re.findall(rf"^\| `{name}` \| (.*) \|$", PAGE, re.MULTILINE)
        assert len(rows) == 1, f"docs/schedulers.md needs a row with the parameters of {name!r}"
        named = dict(re.findall(r"`(\w+) = ([^`]*)`", rows[0]))
        parameters = list(inspect.signature(factory).parameters.values())[1:]
        assert list(named) == [parameter.name for parameter in parameters]
        for parameter in parameters:
            shown = named[parameter.name]
            assert shown in {str(parameter.default).lower(), f'"{parameter.default}"'}, rows[0]


@pytest.mark.parametrize(("slots", "ends_some"), [(3, False), (4, True)])
def test_hyperband_with_few_slots_ends_no_trial(slots: int, ends_some: bool) -> None:
    curves = RecordedCurves(
        [[{"error": level * t**-0.3, "epoch": t} for t in range(1, 9)] for level in range(1, 26)]
    )
    scheduler = HyperBand(
        time_attr="epoch", metric="error", mode="min", max_t=8, reduction_factor=2
    )
    run = simulate(
        curves,
        searcher=InOrder(curves.configs),
        scheduler=scheduler,
        num_samples=25,
        cluster=Cluster(slots),
        ahead=TUNE_AHEAD,
    )
    assert any(trial.iteration < 8 for trial in run.trials) == ends_some
