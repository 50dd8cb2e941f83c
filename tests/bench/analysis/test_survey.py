"""What a survey shows, on rows whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bench.analysis import survey

MEASURES = ("wide", "tight", "igd", "epsilon", "r2")


def rows(losses: dict[str, list[float]], family: str = "f") -> pd.DataFrame:
    """Return rows of two seeds: FIFO at regret 0.2, and schedulers that lose so much more of it.

    Args:
        losses: Scheduler → its loss on each data set.
        family: The family.
    """
    made = []
    for scheduler, values in {"fifo": [0.0] * len(next(iter(losses.values()))), **losses}.items():
        for number, loss in enumerate(values):
            for seed in (0, 1):
                regret = 1 - 0.8 * (1 - loss)
                found = dict.fromkeys(MEASURES, regret)
                for share in survey.SHARES:
                    found |= {f"{name}@{share}": regret + 0.1 / share for name in MEASURES}
                    found |= {f"{name}@{share}s": regret for name in MEASURES[:2]}
                epochs = 1.0 if scheduler == "fifo" else 0.25 + 0.1 * seed
                made.append(
                    {
                        "family": family,
                        "side": "test",
                        "dataset": f"{family}-{number}",
                        "scheduler": scheduler,
                        "objectives": "a+b",
                        "seed": seed,
                        "epochs": epochs,
                        "seconds": epochs / 2,
                        "commit": "c0ffee",
                        "command": "a command",
                        "machine": "a machine",
                        **found,
                    }
                )
    return pd.DataFrame(made)


LOSSES = {
    "hv-promotion": [0.0, 0.001, 0.002, 0.001, 0.003, 0.001],
    "moasha": [0.1, 0.001, 0.05, 0.0, 0.2, 0.3],
}


def test_losses_are_relative_to_the_baseline_of_the_same_run() -> None:
    found = survey.with_losses(rows(LOSSES))
    mine = found[(found.scheduler == "moasha") & (found.dataset == "f-4")]
    assert mine.loss.tolist() == pytest.approx([0.2, 0.2])
    assert mine.tight_loss.tolist() == pytest.approx([0.16, 0.16])  # of the known front's volume
    assert mine.saved.tolist() == pytest.approx([0.75, 0.65])
    assert (found[found.scheduler == "fifo"].loss == 0).all()


def test_a_data_set_counts_once() -> None:
    one = rows(LOSSES)
    more = one[one.dataset == "f-0"].assign(seed=7)
    several = pd.concat([one, *(more.assign(seed=seed) for seed in range(7, 30))])
    tables = [
        survey.losses_table(survey.by_dataset(survey.with_losses(table)))
        for table in (one, several)
    ]
    assert tables[0].loss.tolist() == pytest.approx(tables[1].loss.tolist())
    assert tables[0]["data sets"].tolist() == [6, 6]


def test_a_loss_is_called_below_a_margin_only_if_its_bound_is() -> None:
    table = survey.losses_table(survey.by_dataset(survey.with_losses(rows(LOSSES))))
    mine, other = (table.set_index("scheduler").loc[name] for name in LOSSES)
    assert mine["loss"] == pytest.approx(np.mean(LOSSES["hv-promotion"]))
    assert mine["below 0.5%"]
    assert mine["bound"] < 0.005
    assert mine["saved"] == pytest.approx(0.7)
    assert mine["worst run"] == pytest.approx(0.003)
    assert not other["below 1.0%"]
    assert other["loss"] == pytest.approx(np.mean(LOSSES["moasha"]))
    assert other["median"] == pytest.approx(np.median(LOSSES["moasha"]))
    assert other["worst"] == pytest.approx(0.3)
    assert math.isfinite(other["detectable"])


def test_ranks_share_what_is_practically_equal() -> None:
    table = survey.by_dataset(survey.with_losses(rows(LOSSES)))
    means, difference = survey.ranks(table, "igd", ["hv-promotion", "moasha"])
    # The first wins four times and loses once; on f-1 both are equal.
    first, second = (4 * 1 + 1.5 + 2) / 6, (4 * 2 + 1.5 + 1) / 6
    assert means.to_dict() == {"hv-promotion": first, "moasha": second}
    assert means.index[0] == "hv-promotion"
    assert difference > 0


def test_duels_count_wins_ties_and_losses() -> None:
    table = survey.by_dataset(survey.with_losses(rows(LOSSES)))
    (duel,) = survey.duels(table, "hv-promotion", ["moasha"], ["igd@10"]).to_dict("records")
    assert (duel["wins"], duel["ties"], duel["losses"]) == (4, 2, 0)
    assert duel["against"] == "moasha"
    assert 0 < duel["p"] < 0.2


def test_anytime_regrets_are_means_over_data_sets() -> None:
    table = survey.by_dataset(survey.with_losses(rows(LOSSES)))
    found = survey.anytime_table(table).set_index("scheduler")
    assert list(found.columns) == ["family", "1 %", "2 %", "5 %", "10 %", "20 %", "50 %", "100 %"]
    assert found.loc["fifo", "1 %"] == pytest.approx(0.2 + 0.1)
    by_time = survey.anytime_table(table, by="s").set_index("scheduler")
    assert by_time.loc["fifo", "1 %"] == pytest.approx(0.2)


def test_data_sets_without_a_hypervolume_are_left_out() -> None:
    table = rows(LOSSES)
    table.loc[table.dataset == "f-5", "wide"] = 1.0  # FIFO itself has nothing there
    found = survey.losses_table(survey.by_dataset(survey.with_losses(table)))
    assert found["data sets"].tolist() == [5, 5]


def test_a_scheduler_that_is_not_compared_leaves_no_data_set_out() -> None:
    table = rows({**LOSSES, "fifo-replicate": [0.0] * 6})
    table = table[(table.scheduler != "fifo-replicate") | (table.dataset == "f-0")]
    means = survey.by_dataset(survey.with_losses(table))
    assert len(survey.matched(means, "igd", list(LOSSES))) == 6
    assert len(survey.matched(means, "igd", [*LOSSES, "fifo-replicate"])) == 1
