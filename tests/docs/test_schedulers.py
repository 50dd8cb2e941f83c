"""The page that compares schedulers shows the reports' figures, and every scheduler's parameters.

When the reports change, `python -m tests.docs.test_schedulers` prints the figures to write.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from bench.analysis import survey
from bench.matrix import catalogue
from bench.report import overview
from mobo_core.tune import HyperBand
from mobo_core.virtual import TUNE_AHEAD, Cluster, InOrder, RecordedCurves, simulate

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "schedulers.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())
README = " ".join((ROOT / "README.md").read_text("utf-8").split())
REPORTS = ROOT / "reports" / "reference"
REPORT = ("lcbench-167152", "lcbench-167185", "lcbench-168331", "schedulers-mnist-virtual")
HV, STOPPING = "hv-promotion", "projected-stopping"
ETA2, G4 = "moasha-promotion-eta2", "moasha-promotion-eta2-g4"
FAMILIES = ("lcbench", "rbv2-xgboost", "rbv2-rpart", "recorded", "synthetic")
SHOWN = (
    HV,
    STOPPING,
    G4,
    ETA2,
    "moasha-promotion-eta3",
    "moasha-stopping-eta2",
    "moasha-stopping-eta3",
    "paper-rungwise",
    "median",
    "asha",
    "paper-dominance",
)
MEASURES = ("tight", "igd")
EARLY = (5, 10, 20)


@cache
def of_test_side() -> pd.DataFrame:
    """Return the survey's test data sets."""
    datasets = pd.read_parquet(REPORTS / "survey" / "datasets.parquet")
    return datasets[datasets.side == "test"]


@cache
def losses() -> pd.DataFrame:
    return survey.losses_table(of_test_side()).set_index(["family", "scheduler"])


def of(family: str, scheduler: str, column: str) -> float:
    """Return a figure of the survey in per cent."""
    return 100 * float(losses().loc[(family, scheduler), column])


def number(value: float, digits: int = 1) -> str:
    """Return a number with a real minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def summary(scheduler: str) -> str:
    """Return what a scheduler saves and loses, as spans over families."""
    epochs, time, lost = (
        [of(f, scheduler, column) for f in FAMILIES] for column in ("saved", "time saved", "loss")
    )
    return (
        f"saves {number(min(epochs), 0)} to {number(max(epochs), 0)} % of the epochs and "
        f"{number(min(time), 0)} to {number(max(time), 0)} % of the time, "
        f"loses {number(min(lost))} to {number(max(lost))} %"
    )


def table() -> str:
    """Return the page's table of the survey."""
    counts = {f: int(losses().loc[(f, HV), "data sets"]) for f in FAMILIES}
    lines = [["scheduler", *(f"{f} ({count})" for f, count in counts.items())]]
    lines.append(["---", *["---:"] * len(FAMILIES)])
    columns = {"saved": 0, "time saved": 0, "loss": 1, "worst": 0}
    for name in SHOWN:
        cells = [
            " · ".join(number(of(f, name, column), d) for column, d in columns.items())
            for f in FAMILIES
        ]
        lines.append([name, *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def duel(family: str) -> str:
    """Return wins–ties–losses of hypervolume promotion against η = 2, by the loss."""
    rows = of_test_side()[of_test_side().family == family]
    (found,) = survey.duels(rows, HV, [ETA2], ["loss"]).to_dict("records")
    return f"{found['wins']}–{found['ties']}–{found['losses']}"


@cache
def ranking(column: str) -> tuple[pd.Series, float]:
    ranked = [name for name in SHOWN if name in set(of_test_side().scheduler)]
    return survey.ranks(of_test_side(), column, ranked)


@cache
def facts() -> dict[str, str]:
    """Return every figure of the page, by the name of its place."""
    means, difference = ranking("tight@10")
    bounds = [f"{of(f, HV, 'bound'):.1f} % on {f}" for f in FAMILIES if f != "rbv2-rpart"]
    noisy = of_test_side()
    noisy = noisy[(noisy.family == "synthetic") & (noisy.scheduler == "fifo-replicate")]
    return {
        "rpart_median": number(of("rbv2-rpart", HV, "median")),
        "hv_saved": f"{of('lcbench', HV, 'saved'):.0f}",
        "hv_lost": f"{of('lcbench', HV, 'loss'):.1f}",
        "e2_saved": f"{of('lcbench', ETA2, 'saved'):.0f}",
        "e2_lost": f"{of('lcbench', ETA2, 'loss'):.1f}",
        "lcbench_duel": duel("lcbench"),
        "xgboost_duel": duel("rbv2-xgboost"),
        "recorded_duel": duel("recorded"),
        "second": str(means.index[1]),
        "lead": f"{means.iloc[1] - means.iloc[0]:.2f}",
        "difference": f"{difference:.2f}",
        "recorded": f"{of('recorded', HV, 'loss'):.1f}",
        "recorded_worst": f"{of('recorded', HV, 'worst'):.1f}",
        "replicate": number(of("recorded", "fifo-replicate", "loss")),
        "replicate_worst": f"{of('recorded', 'fifo-replicate', 'worst'):.1f}",
        "recorded_stopping": f"{of('recorded', STOPPING, 'loss'):.1f}",
        "near": f"{of('recorded', HV, 'near loss'):.0f}",
        "near_e2": f"{of('recorded', ETA2, 'near loss'):.0f}",
        "bounds": ", ".join(bounds[:-1]) + " and " + bounds[-1],
        "lcbench_run": f"{of('lcbench', HV, 'worst run'):.0f}",
        "xgboost_run": f"{of('rbv2-xgboost', HV, 'worst run'):.0f}",
        "rpart_run": f"{of('rbv2-rpart', HV, 'worst run'):.0f}",
        "synthetic": f"{of('synthetic', HV, 'loss'):.1f}",
        "synthetic_e2": f"{of('synthetic', ETA2, 'loss'):.1f}",
        "synthetic_replicate": f"{100 * noisy.loss.abs().max():.0f}",
    }


SENTENCES = """
the median loss of `hv-promotion` is {rpart_median} %.
It saves {hv_saved} % of the epochs and loses {hv_lost} % in the mean over data sets, where MO-ASHA with η = 2 saves {e2_saved} % and loses {e2_lost} %: {lcbench_duel} (wins, ties and losses over data sets).
On gradient boosting the two are {xgboost_duel}, and on the recorded tables {recorded_duel}.
the lead over the second, `{second}`, is {lead}; the critical difference is {difference},
`hv-promotion` loses {recorded} % in the mean and {recorded_worst} % on the worst one.
(`fifo-replicate`) has {replicate} % in the mean and {replicate_worst} % on the worst.
`projected-stopping` loses {recorded_stopping} % there.
`hv-promotion` loses {near} % of the known front's hypervolume on the recorded tables, where MO-ASHA with η = 2 loses {near_e2} %.
it is {bounds}.
The worst run lost {lcbench_run} % on LCBench, {xgboost_run} % on gradient boosting and {rpart_run} % on decision trees.
it loses {synthetic} %; MO-ASHA with η = 2 loses {synthetic_e2} %.
FIFO's replicate differs from it by up to {synthetic_replicate} %.
"""  # noqa: E501 - the page's own sentences


@pytest.mark.parametrize("sentence", SENTENCES.strip().splitlines())
def test_every_figure_is_that_of_the_survey(sentence: str) -> None:
    assert sentence.format(**facts()) in TEXT


@pytest.mark.parametrize("scheduler", [HV, STOPPING, G4])
def test_the_advice_is_that_of_the_survey(scheduler: str) -> None:
    assert f"| {summary(scheduler)} |" in TEXT


def test_its_tables_are_those_of_the_reports() -> None:
    assert table() in PAGE
    assert overview.table(overview.collect(REPORTS / name for name in REPORT)) in PAGE


def test_claims_without_figures() -> None:
    by_time = of_test_side().groupby("scheduler")[["tight@1s", "tight@2s"]].mean()
    assert (by_time.loc[HV] > by_time.loc["fifo"]).all()
    means, difference = ranking("tight@10")
    assert means.iloc[1] - means.iloc[0] < difference
    places: dict[str, set[int]] = {family: set() for family in FAMILIES}
    for measure in MEASURES:
        assert set(ranking(measure)[0].index[:2]) == {G4, STOPPING}
        for share in EARLY:
            assert ranking(f"{measure}@{share}")[0].index[0] == HV
            for family in FAMILIES:
                rows = of_test_side()[of_test_side().family == family]
                found, _ = survey.ranks(rows, f"{measure}@{share}", SHOWN)
                places[family].add(list(found.index).index(HV) + 1)
    assert places["lcbench"] <= {1, 2}
    assert places["rbv2-rpart"] == {1}
    assert places["rbv2-xgboost"] <= {1, 2, 3}
    assert 1 not in places["recorded"] | places["synthetic"]
    as_much = [name for name in SHOWN if of("lcbench", name, "saved") >= of("lcbench", HV, "saved")]
    assert min(as_much, key=lambda name: of("lcbench", name, "loss")) == HV
    assert {f for f in FAMILIES if losses().loc[(f, HV), "below 1.0%"]} == {"rbv2-rpart"}


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


if __name__ == "__main__":
    print(table(), *(summary(name) for name in (HV, STOPPING, G4)), facts(), sep="\n")  # noqa: T201
