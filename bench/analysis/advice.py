"""Which scheduler to take, from replays: savings, losses, and how sure both are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.analysis.aggregate import BASELINE
from bench.analysis.statistics import ENOUGH_SEEDS, Estimate
from bench.analysis.statistics.intervals import mean_interval
from bench.formatting import count
from mobo_core.objectives import ObjectiveSet

FEWEST_TRIALS = 12
"""The fewest trials for which a scheduler is recommended.

At a rung a scheduler compares the trials that have been there, and hypervolume promotion takes new
trials first until ten have paused. With fewer trials the order decides more than the rule.
"""
FEWEST_REPORTS = 3
"""The fewest reports of the trial that has most, for which a scheduler is recommended."""
MOST_CUT = 0.5
"""The largest share of curves that end early for which a scheduler is recommended.

Trials that end early mostly were stopped by a scheduler. FIFO would have trained them on, and what
it would have reached is then unknown for most trials.
"""


@dataclass(frozen=True)
class Setting:
    """What was replayed, and how.

    Args:
        kind: What the source is, for people.
        name: The source's name.
        objectives: The objectives.
        time_attr: The counter that orders the reports of a trial.
        unit: The number of its steps in one unit of training.
        max_t: The full budget of a trial, in units.
        reports: The number of reports of the trial that has most.
        timed: Whether the source says how long the training took.
        trials: The number of trials that were replayed.
        incomplete: How many of them end before the full budget.
        left_out: Why other trials were left out → how many.
        notes: Sentences about how the curves were read.
        orders: The number of random orders.
        per_order: The number of trials in each.
        slots: The number of trials that train at the same time.
    """

    kind: str
    name: str
    objectives: ObjectiveSet
    time_attr: str
    unit: float
    max_t: int
    reports: int
    timed: bool
    trials: int
    incomplete: int
    left_out: Mapping[str, int]
    notes: tuple[str, ...]
    orders: int
    per_order: int
    slots: int


@dataclass(frozen=True)
class Outcome:
    """What one scheduler makes of the trials, over all usable orders; shares are of FIFO's.

    Args:
        scheduler: Its label.
        pauses: Whether it pauses trials, which takes a trainable with checkpoints.
        steps_saved: The mean share of the training that it saves, with a 95 % interval.
        runtime_saved: The same share of the time from the first start to the last end.
        loss: The mean share of the hypervolume that it loses; negative if it gains.
        worst: The largest loss of any order.
        front_lost: The mean number of distinct points of FIFO's front that it ends early.
        resumes: The mean number of times that a trial goes on from a checkpoint.
    """

    scheduler: str
    pauses: bool
    steps_saved: Estimate
    runtime_saved: Estimate
    loss: Estimate
    worst: float
    front_lost: float
    resumes: float

    @property
    def known(self) -> bool:
        """Whether the orders are enough for intervals."""
        return not np.isnan([self.loss.high, self.steps_saved.low]).any()

    @property
    def saves(self) -> bool:
        """Whether training is surely saved: the lower end of the interval is above 0."""
        return self.steps_saved.low > 0

    def within(self, tolerance: float) -> bool:
        """Return whether the upper end of the loss's interval is at most a tolerance."""
        return self.loss.high <= tolerance

    def qualifies(self, tolerance: float) -> bool:
        """Return whether training is surely saved, and surely no more lost than a tolerance."""
        return self.saves and self.within(tolerance)


@dataclass(frozen=True)
class Advice:
    """The answer.

    Args:
        setting: What was replayed, and how.
        tolerance: The share of FIFO's hypervolume that may be lost.
        replays: A row per order and scheduler.
        orders: The number of usable orders: those in which FIFO has a hypervolume to lose. An order
            of a few trials may have none better than all references.
        outcomes: What each scheduler made of the trials, FIFO left out; empty without an order.
        refused: Scheduler → why it cannot be used.
        recommended: The scheduler to take; None if none qualifies or the data are too few.
        without_pauses: The one to take if trials cannot pause; None as above.
        too_few: Why the data, or the complete ones of the curves, are too few for a recommendation;
            empty if they are not.
    """

    setting: Setting
    tolerance: float
    replays: pd.DataFrame
    orders: int
    outcomes: tuple[Outcome, ...]
    refused: Mapping[str, str]
    recommended: Outcome | None
    without_pauses: Outcome | None
    too_few: str

    @property
    def fifo_steps(self) -> float:
        """The mean number of units that FIFO trains, over all orders."""
        return self._of_fifo("steps")

    @property
    def fifo_runtime_s(self) -> float:
        """The mean number of seconds that FIFO takes, over all orders."""
        return self._of_fifo("runtime_s")

    def _of_fifo(self, column: str) -> float:
        return float(self.replays.loc[self.replays["scheduler"] == BASELINE, column].mean())


def advise(replays: pd.DataFrame, setting: Setting, tolerance: float) -> Advice:
    """Return the advice from replays.

    Recommended is the scheduler that saves the most training among those that qualify: the upper
    end of the 95 % interval of the loss is within the tolerance, and the lower end of the interval
    of the savings is above 0.

    Args:
        replays: A row per order and scheduler, FIFO included, as
            `bench.studies.advice.replaying.replay_all` makes them.
        setting: What was replayed, and how.
        tolerance: The share of FIFO's hypervolume that may be lost, 0 to 1.
    """
    refusals = replays[replays["refused"] != ""]
    refused = dict(zip(refusals["scheduler"], refusals["refused"], strict=True))
    made = replays[~replays["scheduler"].isin(refused)]
    fifo = made[made["scheduler"] == BASELINE].set_index("order")
    fifo = fifo[fifo["hypervolume"] > 0]
    made = made[made["order"].isin(fifo.index)]
    outcomes = [
        _outcome(str(name), rows.set_index("order"), fifo)
        for name, rows in made.groupby("scheduler", sort=False)
        if name != BASELINE
    ]
    too_few = _too_few(setting, len(fifo))
    good = [o for o in outcomes if o.qualifies(tolerance)] if not too_few else []
    return Advice(
        setting,
        tolerance,
        replays,
        len(fifo),
        tuple(outcomes),
        refused,
        _best(good),
        _best([outcome for outcome in good if not outcome.pauses]),
        too_few,
    )


def _best(outcomes: list[Outcome]) -> Outcome | None:
    return max(outcomes, key=lambda o: (o.steps_saved.value, -o.loss.value), default=None)


def _outcome(name: str, rows: pd.DataFrame, fifo: pd.DataFrame) -> Outcome:
    losses = 1 - (rows["hypervolume"] / fifo["hypervolume"]).round(9)
    return Outcome(
        name,
        bool(rows["pauses"].iloc[0]),
        _estimate(1 - rows["steps"] / fifo["steps"]),
        _estimate(1 - rows["runtime_s"] / fifo["runtime_s"]),
        _estimate(losses),
        float(losses.max()),
        float(rows["front_lost"].mean()),
        float(rows["resumes"].mean()),
    )


def _estimate(values: pd.Series) -> Estimate:
    """Return a mean with its 95 % interval; the interval is NaN with too few orders."""
    numbers = values.to_numpy(dtype=float)
    if len(numbers) < ENOUGH_SEEDS:
        return Estimate(float(numbers.mean()), np.nan, np.nan)
    return Estimate(float(numbers.mean()), *mean_interval(numbers))


def _too_few(setting: Setting, orders: int) -> str:
    """Return why the data are too few for a recommendation; empty if they are not.

    Args:
        setting: What was replayed.
        orders: The number of usable orders.
    """
    if setting.per_order < FEWEST_TRIALS:
        return (
            f"{_are(setting.per_order, 'trial')} too few to recommend a scheduler: it takes at "
            f"least {FEWEST_TRIALS}"
        )
    if setting.reports < FEWEST_REPORTS:
        return (
            f"trials of {count(setting.reports, 'report')} are too short to recommend a scheduler: "
            f"it takes at least {FEWEST_REPORTS}"
        )
    if setting.incomplete > MOST_CUT * setting.trials:
        return (
            f"{setting.incomplete} of {count(setting.trials, 'curve')} end before the full budget, "
            "as those of a scheduler that stops trials do, so that too few are complete to tell "
            "what FIFO would have reached: train a sample of the trials to the end with FIFO and "
            "give these, or give a --max-t that most curves reach"
        )
    if setting.orders < ENOUGH_SEEDS:
        return (
            f"{_are(setting.orders, 'order')} too few for an interval: give --seeds {ENOUGH_SEEDS} "
            "or more"
        )
    if orders < ENOUGH_SEEDS:
        return (
            f"in only {orders} of {setting.orders} orders a trial ends better than all references: "
            "give references that more trials beat, more --trials, or more --seeds"
        )
    return ""


def _are(number: int, thing: str) -> str:
    return f"{count(number, thing)} {'is' if number == 1 else 'are'}"
