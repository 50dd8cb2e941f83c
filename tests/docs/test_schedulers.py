"""The page that compares schedulers says what the reports say, and names what there is."""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from bench.matrix import catalogue
from mobo_core.tune import HyperBand
from mobo_core.virtual import TUNE_AHEAD, Cluster, InOrder, RecordedCurves, simulate

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "schedulers.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())
REPORTS = ROOT / "reports" / "reference"
MNIST = "schedulers-mnist-virtual"
LCBENCH = ("167152", "167185", "168331")
NAMES = (MNIST, *(f"lcbench-{number}" for number in LCBENCH))
CELLS = re.compile(r"\| ([a-z0-9-]+) \| 20 × \d \|(.*)\| ([^|]*) \|$", re.MULTILINE)
HV, ETA2 = "hv-promotion", "moasha-promotion-eta2"


@cache
def report(name: str) -> str:
    return (REPORTS / name / "report.md").read_text("utf-8")


@cache
def figures(name: str) -> pd.DataFrame:
    """A row per scheduler.

    Epochs saved (IQM, %), mean and worst hypervolume against FIFO's, what the test says, and the
    expected running times to 99 and 100 % of FIFO's hypervolume in % of FIFO's epochs.
    """
    rows = {}
    for scheduler, cells, verdict in CELLS.findall(report(name)):
        columns = [cell.strip() for cell in cells.split("|")]
        mean, worst = columns[3].split(", ")
        saved = float(columns[0].split()[0])
        rows[scheduler] = [saved, float(mean), float(worst), verdict.startswith("less")]
    table = report(name).split("**Expected running time**")[1]
    for scheduler, row in {"fifo": [0.0, 1.0, 1.0, False], **rows}.items():
        found = re.search(rf"^\| {scheduler} \| [^|]*\|([^|]*)\|([^|]*)\|$", table, re.MULTILINE)
        assert found
        spent = [float("inf" if "never" in cell else cell.split()[0]) for cell in found.groups()]
        rows[scheduler] = [*row, *spent]
    columns = ["saved", "mean", "worst", "less", "to_99", "to_100"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def of(scheduler: str, column: str) -> list[float]:
    """A figure on the four data sets."""
    return [float(figures(name).loc[scheduler, column]) for name in NAMES]


def less_saved(better: str, other: str) -> list[float]:
    return [a - b for a, b in zip(of(better, "saved"), of(other, "saved"), strict=True)]


def span(values: list[float], digits: int = 0) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def lost(scheduler: str) -> str:
    """Mean loss on the four data sets, in %."""
    return ", ".join(f"{100 * (1 - mean):.1f}" for mean in of(scheduler, "mean"))


def pairs() -> list[tuple[str, str, str]]:
    """Data set, promotion and stopping by the same ranks, η and grace period."""
    return [
        (name, scheduler, scheduler.replace("promotion", "stopping"))
        for name in NAMES
        for scheduler in figures(name).index
        if scheduler.startswith("moasha-promotion")
    ]


def later() -> list[float]:
    """By how much less is saved if no trial ends before epoch 4."""
    return [
        float(
            figures(name)["saved"][scheduler.removesuffix("-g4")]
            - figures(name)["saved"][scheduler]
        )
        for name in NAMES
        for scheduler in figures(name).index
        if scheduler.endswith("-g4")
    ]


def middle(scheduler: str) -> str:
    """Expected running time to all of FIFO's hypervolume on 167152 and 167185."""
    _, first, second, _ = of(scheduler, "to_100")
    return f"{first:.0f} and {second:.0f}"


def sentences() -> list[str]:
    """What the page says in figures, made from the reports."""
    shown = [figures(name)["less"].drop("fifo") for name in NAMES]
    exempt = [f"`{scheduler}`" for scheduler, less in shown[3].items() if not less]
    promoted = [
        float(figures(name)["saved"][stopping] - figures(name)["saved"][promotion])
        for name, promotion, stopping in pairs()
    ]
    less = less_saved(HV, ETA2)
    return [
        f"all {len(shown[0])} are shown to lose hypervolume on MNIST, all {len(shown[1])} on "
        f"167152 and 167185, and on 168331 all but {' and '.join(exempt)}",
        f"its worst run kept {100 * min(of(HV, 'worst')):.1f} %",
        f"99 % of FIFO's hypervolume after {span(of(HV, 'to_99'))} % of FIFO's epochs",
        f"FIFO itself after {span(of('fifo', 'to_99'))} %",
        f"saves {span(less_saved(HV, 'projected-stopping'), 1)} points less",
        f"saves {less[0]:.1f}, {less[1]:.1f} and {less[2]:.1f} points less than `hv-promotion`, on "
        f"168331 {-less[3]:.1f} more",
        f"loses {lost(ETA2)} % in the mean, `hv-promotion` {lost(HV)} %",
        f"after {middle(ETA2)} % of FIFO's epochs, where `hv-promotion`, which gives up the last "
        f"bit early, needs {middle(HV)} %, more than FIFO ({middle('fifo')} %)",
        f"in all {len(pairs())} pairs, and saves {span(promoted, 1)} points less",
        f"from epoch 4 on (`-g4`) saves {span(later(), 1)} points less",
        f"saves the most on all four, and loses {lost('paper-dominance-g1')} % in the mean",
        f"`paper-rungwise-g1` loses {lost('paper-rungwise-g1')} %",
        f"`median` loses {lost('median')} %, `asha` with equal weights {lost('asha')} %, with "
        f"weights drawn for each trial {lost('asha-random-weights')} %",
    ]


@pytest.mark.parametrize("sentence", sentences())
def test_what_it_says_in_figures(sentence: str) -> None:
    assert sentence in TEXT


def test_what_it_says_without_figures() -> None:
    for name in NAMES:
        frame = figures(name)
        careful = frame[frame["mean"] >= 0.995]
        assert careful["saved"].idxmax() == HV
        assert frame["saved"].idxmax() == "paper-dominance-g1"
    for name, promotion, stopping in pairs():
        assert figures(name)["mean"][promotion] > figures(name)["mean"][stopping]
    assert all(figures(name)["less"].drop("fifo").all() for name in NAMES[:3])
    hv, fifo = of(HV, "to_100"), of("fifo", "to_100")
    assert all(h > f for h, f in zip(hv[1:3], fifo[1:3], strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_its_rows_are_those_of_the_reports(name: str) -> None:
    section = PAGE[PAGE.index(f"{name}/report.md") :]
    rows = section[section.index("| scheduler") :].split("\n\n")[0].splitlines()
    assert len(rows) == 2 + len(figures(name)) - 1  # all but FIFO
    for row in rows:
        assert row in report(name), row


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
def test_what_it_says_of_hyperband_with_few_slots(slots: int, ends_some: bool) -> None:
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
