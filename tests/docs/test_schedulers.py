"""The page that compares schedulers says what the reports say, and names what there is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pandas as pd
import pytest
from ray.tune.schedulers import HyperBandScheduler

from bench import catalogue
from mobo_core.virtual import TUNE_AHEAD, Cluster, InOrder, RecordedCurves, simulate

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "schedulers.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())
REPORTS = ROOT / "reports" / "reference"
NAMES = ("schedulers-mnist-virtual", "lcbench-167152", "lcbench-167185", "lcbench-168331")
CELLS = re.compile(r"\| ([a-z0-9-]+) \| 20 × \d \|(.*)\| ([^|]*) \|$", re.MULTILINE)


def report(name: str) -> str:
    return (REPORTS / name / "report.md").read_text("utf-8")


def figures(name: str) -> pd.DataFrame:
    """Epochs saved (IQM, %), mean and worst hypervolume, and the verdict of each scheduler."""
    rows = []
    for scheduler, cells, verdict in CELLS.findall(report(name)):
        columns = [cell.strip() for cell in cells.split("|")]
        mean, worst = columns[3].split(", ")
        rows.append((scheduler, float(columns[0].split()[0]), float(mean), float(worst), verdict))
    frame = pd.DataFrame(rows, columns=["scheduler", "saved", "mean", "worst", "verdict"])
    return frame.set_index("scheduler")


@pytest.mark.parametrize("name", NAMES)
def test_its_rows_are_those_of_the_reports(name: str) -> None:
    section = PAGE[PAGE.index(f"{name}/report.md") :]
    section = section[section.index("| scheduler") :].split("\n\n")[0]
    rows = section.splitlines()
    assert len(rows) >= 10
    for row in rows:
        assert row in report(name), row


def test_every_parameter_and_its_default_is_there() -> None:
    for name, factory in catalogue.SCHEDULERS.items():
        (row,) = re.findall(rf"^\| `{name}` \| (.*) \|$", PAGE, re.MULTILINE)
        named = dict(re.findall(r"`(\w+) = ([^`]*)`", row))
        parameters = list(inspect.signature(factory).parameters.values())[1:]
        assert list(named) == [parameter.name for parameter in parameters]
        for parameter in parameters:
            shown = named[parameter.name]
            assert shown in {str(parameter.default).lower(), f'"{parameter.default}"'}, row


def test_what_it_says_of_losses() -> None:
    found = {name: figures(name) for name in NAMES}
    lost = {name: frame["verdict"].str.startswith("less") for name, frame in found.items()}
    assert len(lost[NAMES[0]]) == 16
    assert lost[NAMES[0]].all()
    assert sum((~shown).sum() for shown in lost.values()) == 2
    dominance = [frame.loc["paper-dominance-g1"] for frame in found.values()]
    assert dominance[1]["saved"] == found[NAMES[1]]["saved"].max()
    assert [f"{100 * (1 - row['mean']):.1f}" for row in dominance] == ["11.1", "0.8", "1.4", "13.7"]
    ray = [frame.loc[frame.index.isin(["asha", "median"]), "mean"] for frame in found.values()]
    assert 0.955 < pd.concat(ray).min() < pd.concat(ray).max() < 0.995


def test_what_it_says_of_promotion() -> None:
    found = [figures(name) for name in NAMES]
    best = [frame[frame["mean"] >= 0.995]["saved"].idxmax() for frame in found]
    assert best == ["hv-promotion"] * 4
    assert min(frame.loc["hv-promotion", "worst"] for frame in found) == 0.973

    def less_saved(first: str, second: str) -> list[float]:
        return [frame.loc[first, "saved"] - frame.loc[second, "saved"] for frame in found]

    assert max(less_saved("hv-promotion", "projected-stopping")) < 8
    eta2 = less_saved("hv-promotion", "moasha-promotion-eta2")
    assert 9 < min(eta2) < max(eta2) < 21.6
    assert min(frame.loc["moasha-promotion-eta2", "worst"] for frame in found) == 0.931
    for eta in ("eta2", "eta3"):
        stopping, promotion = f"moasha-stopping-{eta}", f"moasha-promotion-{eta}"
        assert all(f.loc[promotion, "mean"] > f.loc[stopping, "mean"] for f in found)
        assert min(less_saved(stopping, promotion)) > 3.5
        assert max(less_saved(stopping, promotion)) < 8.5


def test_what_it_says_of_the_time_to_a_target() -> None:
    shares: dict[str, list[list[float]]] = {"hv-promotion": [], "moasha-promotion-eta2": []}
    for name in NAMES:
        table = report(name).split("**Expected running time**")[1]
        for scheduler, found in shares.items():
            row = re.search(rf"^\| {scheduler} \|(.*)\|$", table, re.MULTILINE)
            assert row
            found.append([float(cell.split()[0]) for cell in row[1].split("|")])
    (hv, eta2) = shares.values()
    assert f"after {min(s[1] for s in hv):.0f} to {max(s[1] for s in hv):.0f} % of FIFO's" in TEXT
    assert f"99 % after {min(s[1] for s in eta2):.0f} to {max(s[1] for s in eta2):.0f} %" in TEXT
    assert all(row[2] < 34 for row in eta2[1:3])  # 167152, 167185: all of it
    assert all(95 < row[2] < 105 for row in hv[1:3])


@pytest.mark.parametrize(("slots", "ends_some"), [(3, False), (4, True)])
def test_what_it_says_of_hyperband_with_few_slots(slots: int, ends_some: bool) -> None:
    curves = RecordedCurves(
        [[{"error": level * t**-0.3, "epoch": t} for t in range(1, 9)] for level in range(1, 26)]
    )
    scheduler = HyperBandScheduler(  # type: ignore[no-untyped-call]
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
