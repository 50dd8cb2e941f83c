"""The evidence of made-up runs is as worked by hand, and reports say what they do not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.analysis import aggregate, evidence
from bench.records.record import RunRecord
from bench.report import statistics_section
from tests.bench.examples import record

# One trial at (accuracy, 80 parameters): hypervolume (accuracy − 0.9) · 20 against (0.9, 100).
FULL, HALF = ((0.91, 0.95),), ((0.94,),)


def run(
    scheduler: str, seed: int, curves: Sequence[Sequence[float]], sets: str = "acc+params"
) -> RunRecord:
    made = record(scheduler, curves, (80.0,) * len(curves), seed=seed)
    spec = made.spec | {"objectives": sets.split("+")}
    return replace(made, spec=spec, run_id=f"{scheduler}.{sets}.ax.seed{seed}")


def found(records: Sequence[RunRecord]) -> statistics_section.Findings:
    runs = aggregate.summarise(records)
    curves = {made.run_id: aggregate.anytime(made) for made in records}
    result = statistics_section.find(runs, curves)
    assert result is not None
    return result


def pairs(seeds: int, sets: Sequence[str] = ("acc+params",)) -> list[RunRecord]:
    return [
        made
        for name in sets
        for seed in range(seeds)
        for made in (run("fifo", seed, FULL, name), run("half", seed, HALF, name))
    ]


def test_against_fifo_by_hand() -> None:
    (row,) = found(pairs(6)).baseline.to_dict("records")
    # Half the epochs; 0.04 · 20 against 0.05 · 20 in all of six seeds.
    assert row["epochs_saved"] == 0.5
    assert row["hypervolume_ratio"] == pytest.approx(0.8)
    assert (row["hypervolume_ratio_low"], row["hypervolume_ratio_high"]) == pytest.approx(
        (0.8,) * 2
    )
    assert (row["better"], row["seeds"], row["differ"], row["cells"]) == (0, 6, 6, 1)
    assert row["gain"] == pytest.approx(-0.2)
    assert row["p"] == row["smallest_p"] == 1 / 32
    assert statistics_section.verdict(row) == "less, p = 0.031"


def test_sets_of_one_seed_are_no_further_evidence() -> None:
    (row,) = found(pairs(3, ("acc+params", "top1+size", "best+bytes"))).baseline.to_dict("records")
    assert (row["seeds"], row["cells"]) == (3, 3)
    assert row["p"] == 1 / 4  # the median is that of three seeds, not of nine runs


@pytest.mark.parametrize("seeds", [1, 5])
def test_too_few_seeds_are_said_and_have_no_interval(seeds: int) -> None:
    text = statistics_section.section(found(pairs(seeds)))
    assert f"With {seeds} seed" in text
    assert "no difference can be shown at 0.05" in text
    assert f"{2.0 ** (1 - seeds):.3g}" in text.split("**Against FIFO")[0]  # said once, above
    assert "Wilcoxon test |" not in text
    assert "[" not in text.split("| half |")[1]
    assert "no interval" in text
    assert "*" not in text.replace("**", "")


def test_an_equal_scheduler_is_the_same_not_better_or_worse() -> None:
    same = [run(name, seed, FULL) for seed in range(8) for name in ("fifo", "twin")]
    (row,) = found(same).baseline.to_dict("records")
    assert (row["better"], row["differ"], row["p"]) == (0.5, 0, 1)
    assert statistics_section.verdict(row) == "the same in every seed"


def test_verdicts() -> None:
    row = {"p": 0.2, "smallest_p": 0.01, "gain": 1.0, "seeds": 8, "differ": 8}
    assert statistics_section.verdict(row) == "no difference shown, p = 0.2"
    assert statistics_section.verdict(row | {"p": 0.0001}) == "more, p < 0.001"


def test_equal_time_by_hand() -> None:
    # FIFO's run takes 10 s. Reports come at 1 s (0.91: 0.2) and 2 s (0.95: 1.0).
    timed = evidence.at_equal_time(*_inputs(pairs(1)))
    values = {
        (row["series"], row["share"]): (round(row["ratio"], 9), row["ended"])
        for row in timed.to_dict("records")
    }
    assert values["fifo", 0.25] == (1.0, True)
    assert values["half", 1.0] == (0.8, True)
    slow = [replace(one, result=_slower(one)) for one in pairs(1)]
    early = evidence.at_equal_time(*_inputs(slow)).query("series == 'fifo' and share == 0.25")
    # Now the reports come at 2 s and 4 s: after a quarter of 10 s there is the first.
    assert early["ratio"].tolist() == pytest.approx([0.2])
    assert early["ended"].tolist() == [False]


def _inputs(records: Sequence[RunRecord]) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    return aggregate.summarise(records), {r.run_id: aggregate.anytime(r) for r in records}


def _slower(made: RunRecord) -> object:
    assert made.result is not None
    epochs = made.result.epochs.assign(reported_s=2 * made.result.epochs["reported_s"])
    return replace(made.result, epochs=epochs)


def test_running_times_by_hand() -> None:
    reached = evidence.hits(*_inputs(pairs(2)))
    times = evidence.running_times(reached)
    # FIFO has 20 % after one epoch of two and all after two; the other 80 % after one.
    assert times.loc["fifo"].tolist() == [1.0] * 6
    assert times.loc["half"].tolist() == [0.5, 0.5, *[np.inf] * 4]
    mixed = pairs(2)
    mixed[3] = run("half", 1, FULL)
    # One of two runs reaches the target, at 1; the other ended at 0.5 without reaching it.
    assert evidence.running_times(evidence.hits(*_inputs(mixed))).loc["half", 1.0] == 1.5


def test_ranking_needs_three_schedulers_and_sets_and_enough_seeds() -> None:
    def ranked(seeds: int) -> statistics_section.Findings:
        more = pairs(seeds, sets) + [
            run("worse", seed, ((0.92,),), name) for name in sets for seed in range(seeds)
        ]
        return found(more)

    sets = ("acc+params", "top1+size", "best+bytes")
    assert found(pairs(6)).rankings == {}
    assert ranked(5).rankings == {}
    ranking = ranked(6).rankings["trials"]
    by_name = dict(zip(ranking.names, ranking.test.mean_ranks, strict=True))
    assert by_name == {"fifo": 1, "half": 2, "worse": 3}
    # All three sets agree, but Nemenyi's test requires a difference of 2.343 · √(3·4/18) = 1.91.
    assert ranking.critical_difference == pytest.approx(1.913, abs=0.001)
    assert ranking.groups == [(0, 1), (1, 2)]
    assert "1.91 apart" in statistics_section.section(ranked(6))


def test_a_gain_weighs_as_much_as_the_same_loss() -> None:
    there, back = (evidence.gains(pd.Series([ratio, 1.0])) for ratio in (2.0, 0.5))
    assert there.tolist() == (-back).tolist() == pytest.approx([1 / 3, 0])
    assert evidence.gains(pd.Series([0.0])).tolist() == [-1]


def test_seeds_that_lack_a_set_are_left_out_and_named() -> None:
    runs = pairs(7, ("acc+params", "acc+loss"))
    del runs[-1]  # this is the run of half, acc+loss, seed 6
    (row,) = found(runs).baseline.to_dict("records")
    assert (row["seeds"], row["cells"], row["left_out"]) == (6, 2, 1)
    assert (row["hypervolume_ratio_low"], row["p"]) == (pytest.approx(0.8), 1 / 32)
    text = statistics_section.section(found(runs))
    assert "**Runs left out:** the table above does not count 1 run of half. For these" in text
    assert "does not count" not in statistics_section.section(found(pairs(7)))


def test_a_fifo_that_found_nothing_leaves_its_seed_out() -> None:
    runs = pairs(3)
    runs[0] = run("fifo", 0, ((0.5, 0.5),))
    (row,) = found(runs).baseline.to_dict("records")
    assert (row["seeds"], row["left_out"]) == (2, 1)


def test_rows_with_fewer_seeds_are_said_to_show_less() -> None:
    runs = [*pairs(8), *(run("new", seed, HALF) for seed in range(2))]
    shown = statistics_section.certainty(found(runs))
    assert shown.startswith("With 8 seeds a difference can be shown")
    assert shown.endswith("Some rows have fewer seeds, at least 2, and show less.")
    by_name = found(runs).baseline.set_index("series")
    # Holm: new's 1/2 comes second, so it is not doubled; half's 1/128 is.
    assert by_name["smallest_p"].to_dict() == {"half": 1 / 64, "new": 1 / 2}


def test_searchers_are_measured_by_one_fifo() -> None:
    def searched(name: str, made: RunRecord) -> RunRecord:
        labels = made.labels | {"searcher": name}
        return replace(made, labels=labels, run_id=f"{made.run_id}.{name}")

    # With the poor search FIFO has 0.4 of the good one's hypervolume, in half the epochs.
    runs = [searched("good", run("fifo", 0, FULL)), searched("poor", run("fifo", 0, ((0.92,),)))]
    frame = aggregate.summarise(runs)
    assert evidence.yardstick(frame) == "good"
    assert evidence.final(frame)["ratio"].tolist() == [1.0, 0.4]
    reached = evidence.hits(*_inputs(runs)).query("series == 'fifo, poor'").set_index("target")
    assert reached["hit"].tolist() == [np.inf] * 6
    assert reached["spent"].tolist() == [0.5] * 6
    more = [*runs, searched("poor", run("half", 0, HALF))]
    assert "FIFO is FIFO with good, for every searcher" in statistics_section.section(found(more))
    assert "for every searcher" not in statistics_section.section(found(pairs(1)))
    # A FIFO that found nothing cannot be the unit, even if its searcher comes first.
    nothing = searched("none", run("fifo", 0, ((0.5, 0.5),)))
    assert "FIFO is FIFO with good" in statistics_section.section(found([nothing, *more]))


def test_random_search_is_compared_with_where_it_is() -> None:
    def searched(name: str, seed: int, curves: Sequence[Sequence[float]]) -> RunRecord:
        made = run("fifo", seed, curves)
        labels = made.labels | {"searcher": name}
        return replace(made, labels=labels, run_id=f"fifo.{name}.{seed}")

    records = [searched("ax", k, FULL) for k in range(6)]
    assert evidence.against_random(aggregate.summarise(records)).empty
    records += [searched("random", k, HALF) for k in range(6)]
    (row,) = evidence.against_random(aggregate.summarise(records)).to_dict("records")
    assert row["series"] == "fifo, ax"
    assert row["gain"] == pytest.approx(0.25)  # 1.0 against 0.8
    assert row["p"] == 1 / 32


def test_without_fifo_nothing_is_found() -> None:
    records = [run("half", 0, HALF)]
    assert statistics_section.find(*_inputs(records)) is None
    assert "No run can be compared" in statistics_section.section(None)


def test_a_scheduler_more_moves_no_other_row() -> None:
    rng = np.random.default_rng(0)
    records = [
        run(name, seed, ((0.91, 0.95 + 0.01 * rng.random()),))
        for seed in range(8)
        for name in ("fifo", "one")
    ]
    alone = found(records).baseline
    more = found([*records, *(run("two", seed, HALF) for seed in range(8))]).baseline
    columns = ["hypervolume_ratio", "hypervolume_ratio_low", "hypervolume_ratio_high", "gain"]
    assert alone.iloc[0][columns].tolist() == more.iloc[0][columns].tolist()
