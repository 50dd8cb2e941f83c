from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobo_core.rules.rule import Decision, PaperDominanceRule, PaperRungwiseRule, StoppingRule
from tests.mobo_core import oracles

pytestmark = pytest.mark.filterwarnings("error")

GO, STOP, DONE = Decision.CONTINUE, Decision.STOP, Decision.COMPLETE
NAN, INF = math.nan, math.inf

Report = tuple[str, float, tuple[float, ...]]
MakeRule = Callable[[float, float, float], StoppingRule]

BOTH_RULES = pytest.mark.parametrize("make", [PaperDominanceRule, PaperRungwiseRule])


def decisions(rule: StoppingRule, reports: Sequence[Report]) -> list[Decision]:
    return [rule.report(trial, t, np.array(point, dtype=float)) for trial, t, point in reports]


def check(
    rule: StoppingRule, trace: Sequence[tuple[str, float, tuple[float, ...], Decision]]
) -> None:
    """Replay a trace and name the first report whose decision differs from the expected one."""
    for trial, t, point, expected in trace:
        decision = rule.report(trial, t, np.array(point, dtype=float))
        assert decision is expected, f"trial {trial} at t = {t}: {decision}, expected {expected}"


# --- PaperDominanceRule ---------------------------------------------------------------------------

# The traces below are drawn as tables: one row a trial, one column a budget, * a milestone, ! a
# stop. Reports arrive row by row. Unless said otherwise r = 1, η = 6 and R = 8, hence the
# milestones 1 and 6; both objectives are minimised.


def test_dominance_stops_a_trial_by_its_own_earlier_epoch() -> None:
    # trial   t=1*     t=2      t=3     t=6*
    #   A    (5,5)    (3,6)    (4,4)   (4,5)!    by its own (4,4); (5,5) and (3,6) do not do it
    check(
        PaperDominanceRule(8, 1, 6),
        [
            ("A", 1, (5, 5), GO),
            ("A", 2, (3, 6), GO),
            ("A", 3, (4, 4), GO),
            ("A", 6, (4, 5), STOP),
        ],
    )


def test_dominance_remembers_every_epoch_of_every_trial() -> None:
    # trial   t=1*     t=2      t=6*     t=7     t=8
    #   A    (5,5)    (3,6)
    #   B    (4,6)!                                       by (3,6) of A, between its milestones
    #   C    (2,9)    (9,9)    (1,9)    (9,9)   (9,9)     dominated, but not at a milestone; done
    #   D    (5,5)    (6,6)    (6,6)!                     a tie at 1, then its own (5,5)
    check(
        PaperDominanceRule(8, 1, 6),
        [
            ("A", 1, (5, 5), GO),
            ("A", 2, (3, 6), GO),
            ("B", 1, (4, 6), STOP),
            ("C", 1, (2, 9), GO),
            ("C", 2, (9, 9), GO),
            ("C", 6, (1, 9), GO),
            ("C", 7, (9, 9), GO),
            ("C", 8, (9, 9), DONE),
            ("D", 1, (5, 5), GO),
            ("D", 2, (6, 6), GO),
            ("D", 6, (6, 6), STOP),
        ],
    )


def test_dominance_compares_with_the_last_epoch_of_complete_trials() -> None:
    check(
        PaperDominanceRule(8, 1, 6),
        [("A", 1, (5, 5), GO), ("A", 8, (1, 1), DONE), ("B", 1, (2, 2), STOP)],
    )


def test_dominance_remembers_the_trials_it_stopped() -> None:
    # trial   t=1*     t=2      t=6*
    #   A    (5,5)    (1,9)    (6,6)!    by its own (5,5)
    #   B    (2,9)!                      by A's (1,9): A is gone, what it reported is not
    #   C    (2,8)                       a trade-off with all of them
    check(
        PaperDominanceRule(8, 1, 6),
        [
            ("A", 1, (5, 5), GO),
            ("A", 2, (1, 9), GO),
            ("A", 6, (6, 6), STOP),
            ("B", 1, (2, 9), STOP),
            ("C", 1, (2, 8), GO),
        ],
    )


def test_dominance_one_better_objective_saves() -> None:
    check(
        PaperDominanceRule(8, 1, 6),
        [("A", 1, (1, 1, 5), GO), ("B", 1, (9, 9, 4.9), GO), ("C", 1, (1, 1, 5.1), STOP)],
    )


# --- PaperRungwiseRule ----------------------------------------------------------------------------


def test_rungwise_compares_within_a_rung_only() -> None:
    # trial   t=1*     t=2      t=6*    t=8
    #   A    (5,5)    (1,1)    (6,6)   (9,9) done    its own (5,5) and (1,1) do not matter
    #   B    (4,6)             (6,6)                 (1,1) was at no rung; a tie at 6
    #   C    (5,5)             (6,7)!                a tie at 1; by (6,6) of A and B
    #   D    (5,6)!                                  by (5,5); (4,6) does it too
    #   E    (7,3)             (5,9)                 trade-offs
    check(
        PaperRungwiseRule(8, 1, 6),
        [
            ("A", 1, (5, 5), GO),
            ("A", 2, (1, 1), GO),
            ("A", 6, (6, 6), GO),
            ("A", 8, (9, 9), DONE),
            ("B", 1, (4, 6), GO),
            ("B", 6, (6, 6), GO),
            ("C", 1, (5, 5), GO),
            ("C", 6, (6, 7), STOP),
            ("D", 1, (5, 6), STOP),
            ("E", 1, (7, 3), GO),
            ("E", 6, (5, 9), GO),
        ],
    )


def test_rungwise_does_not_compare_with_the_last_epoch_of_complete_trials() -> None:
    check(
        PaperRungwiseRule(8, 1, 6),
        [
            ("A", 1, (5, 5), GO),
            ("A", 8, (1, 1), DONE),
            ("B", 1, (5, 5), GO),
            ("B", 6, (2, 2), GO),
        ],
    )


def test_rungwise_ignores_reports_between_milestones() -> None:
    # B's second report is dominated by A's first, but B has been recorded at 1 already.
    check(
        PaperRungwiseRule(8, 1, 6),
        [("A", 1, (5, 5), GO), ("B", 1, (4, 9), GO), ("B", 2, (9, 9), GO), ("B", 5, (9, 9), GO)],
    )


# --- both rules -----------------------------------------------------------------------------------


@BOTH_RULES
def test_duplicates_share_a_fate(make: MakeRule) -> None:
    trace = [(trial, 1.0, (3.0, 3.0), GO) for trial in "ABCDE"]
    check(make(8, 1, 6), [*trace, ("F", 1, (3, 4), STOP), ("G", 1, (3, 4), STOP)])


@BOTH_RULES
def test_the_order_of_arrival_decides(make: MakeRule) -> None:
    good, bad = (1.0, 1.0), (2.0, 2.0)
    check(make(8, 1, 6), [("A", 1, good, GO), ("B", 1, bad, STOP)])
    check(make(8, 1, 6), [("B", 1, bad, GO), ("A", 1, good, GO)])


@BOTH_RULES
@pytest.mark.parametrize("broken", [(NAN, 0.0), (0.0, INF), (-INF, 0.0), (-INF, -INF), (NAN, NAN)])
@pytest.mark.parametrize("t", [1, 2, 6, 8, 9])
def test_an_invalid_point_stops_and_is_not_kept(
    make: MakeRule, broken: tuple[float, ...], t: float
) -> None:
    # At a milestone, between two, and even at the full budget: a broken trial is not complete.
    check(
        make(8, 1, 6),
        [
            ("A", t, broken, STOP),
            ("B", 1, (1, 1), GO),
            ("B", 6, (1, 1), GO),
            ("C", 1, (1, 2), STOP),
        ],
    )


@BOTH_RULES
def test_an_invalid_point_of_an_old_trial_stops_it(make: MakeRule) -> None:
    check(make(8, 1, 6), [("A", 1, (1, 1), GO), ("A", 2, (1, NAN), STOP), ("B", 1, (1, 1), GO)])


@BOTH_RULES
@pytest.mark.parametrize("t", [8, 8.5, 100])
def test_the_full_budget_completes_whatever_the_point(make: MakeRule, t: float) -> None:
    check(make(8, 1, 6), [("A", 1, (1, 1), GO), ("B", t, (9, 9), DONE), ("A", t, (9, 9), DONE)])


@BOTH_RULES
def test_just_below_the_full_budget_is_not_complete(make: MakeRule) -> None:
    check(make(8, 1, 6), [("A", 7.999, (1, 1), GO)])


@BOTH_RULES
def test_without_a_milestone_nothing_stops(make: MakeRule) -> None:
    # r = R = 3.
    check(
        make(3, 3, 2),
        [("A", 1, (1, 1), GO), ("B", 1, (9, 9), GO), ("B", 2, (9, 9), GO), ("B", 3, (9, 9), DONE)],
    )


@BOTH_RULES
def test_nothing_stops_before_the_grace_period(make: MakeRule) -> None:
    # r = 2: the first milestone.
    check(
        make(8, 2, 6),
        [
            ("A", 1, (1, 1), GO),
            ("A", 2, (1, 1), GO),
            ("B", 1, (9, 9), GO),
            ("B", 2, (9, 9), STOP),
        ],
    )


@BOTH_RULES
def test_a_first_report_at_3_counts_for_milestone_1(make: MakeRule) -> None:
    # B and C report too coarsely to be seen at 1. C's later report meets no new milestone.
    check(
        make(8, 1, 6),
        [
            ("A", 1, (5, 5), GO),
            ("B", 3, (6, 6), STOP),
            ("C", 3, (5, 5), GO),
            ("C", 5, (9, 9), GO),
            ("C", 6, (4, 4), GO),
        ],
    )


def test_dominance_first_report_at_7_counts_for_milestone_6() -> None:
    check(
        PaperDominanceRule(8, 1, 6),
        [("A", 1, (5, 5), GO), ("B", 7, (6, 6), STOP), ("C", 7, (4, 9), GO)],
    )


def test_rungwise_first_report_at_7_counts_for_milestone_6() -> None:
    # Only A stands at 1 and only B and C at 6.
    check(
        PaperRungwiseRule(8, 1, 6),
        [
            ("A", 1, (5, 5), GO),
            ("B", 7, (6, 6), GO),
            ("C", 7, (6, 7), STOP),
            ("D", 1, (5, 6), STOP),
        ],
    )


@BOTH_RULES
def test_a_skipped_milestone_is_not_made_up_for(make: MakeRule) -> None:
    # R = 12: milestones 1 and 6. B is first seen at 7, which counts for 6, the highest reached;
    # its report at 8 has not reached a higher one. Counted for 1, it would be compared there with
    # reports of one epoch, and stopped by A.
    check(
        make(12, 1, 6),
        [("A", 1, (5, 5), GO), ("B", 7, (4, 9), GO), ("B", 8, (6, 9), GO)],
    )


def test_a_skipped_milestone_does_not_stop_those_who_come_to_it() -> None:
    # B's point of eight epochs must not stand in the rung of one epoch.
    check(
        PaperRungwiseRule(12, 1, 6),
        [("B", 7, (3, 3), GO), ("B", 8, (2, 2), GO), ("A", 1, (5, 5), GO)],
    )


@BOTH_RULES
def test_eta_is_no_quota(make: MakeRule) -> None:
    # With η = 3 only the best 6 of 20 trade-offs at a rung would continue; here all do.
    check(make(9, 1, 3), [(f"trial {i}", 1, (i, 20 - i), GO) for i in range(20)])


# A grid of 25 points, and two broken ones: most trials must outlive some milestones.
GRID = [(float(x), float(y)) for x in range(5) for y in range(5)]
points = st.sampled_from([*GRID, (NAN, 0.0), (-INF, 0.0)])
# Up to five trials of eight epochs each.
tables = st.lists(st.lists(points, min_size=8, max_size=8), min_size=1, max_size=5)
picks = st.lists(st.integers(0, 4), min_size=20, max_size=60)


def interleaved(
    rule: StoppingRule, table: Sequence[Sequence[Any]], picks: Sequence[int]
) -> list[tuple[int, int, Decision]]:
    """Let the picked trials report their next epochs until they end; return all decisions."""
    epoch = [0] * len(table)
    ended = [False] * len(table)
    log = []
    for pick in picks:
        trial = pick % len(table)
        if ended[trial]:
            continue
        epoch[trial] += 1
        point = np.array(table[trial][epoch[trial] - 1], dtype=float)
        decision = rule.report(f"trial {trial}", epoch[trial], point)
        ended[trial] = decision is not GO
        log.append((trial, epoch[trial], decision))
    return log


class NaiveRule:
    """The definitions of both rules, on plain lists, for whole epochs without gaps."""

    def __init__(self, budgets: set[int], max_t: int, rungwise: bool) -> None:
        self.budgets, self.max_t, self.rungwise = budgets, max_t, rungwise
        self.seen: list[tuple[str, float, tuple[float, ...]]] = []

    def report(self, trial_id: str, t: float, point: Any) -> Decision:
        present = tuple(float(x) for x in point)
        if not oracles.is_valid(present):
            return STOP
        rivals = self.seen
        if self.rungwise:
            rivals = [r for r in self.seen if r[1] == t and r[0] != trial_id]
        dominated = any(oracles.dominates(rival, present) for _, _, rival in rivals)
        self.seen.append((trial_id, t, present))
        if t >= self.max_t:
            return DONE
        return STOP if t in self.budgets and dominated else GO


@pytest.mark.parametrize(("grace_period", "budgets"), [(1, {1, 6}), (2, {2}), (3, {3})])
@pytest.mark.parametrize("rungwise", [False, True])
@given(table=tables, picked=picks)
def test_rules_against_the_definitions(
    grace_period: int,
    budgets: set[int],
    rungwise: bool,
    table: list[list[tuple[float, ...]]],
    picked: list[int],
) -> None:
    make = PaperRungwiseRule if rungwise else PaperDominanceRule
    expected = interleaved(NaiveRule(budgets, 8, rungwise), table, picked)
    assert interleaved(make(8, grace_period, 6), table, picked) == expected


@BOTH_RULES
@given(table=tables, picked=picks)
def test_eta_only_spaces_the_rungs(
    make: MakeRule, table: list[list[tuple[float, ...]]], picked: list[int]
) -> None:
    # From r = 2 the next milestone is at R = 8 with the one η and far beyond with the other.
    few, many = make(8, 2, 4), make(8, 2, 100)
    assert interleaved(few, table, picked) == interleaved(many, table, picked)


@BOTH_RULES
@given(table=tables, picked=picks)
def test_rules_know_no_units(
    make: MakeRule, table: list[list[tuple[float, ...]]], picked: list[int]
) -> None:
    # Thousands and offsets change small whole numbers without rounding.
    other = [[(1000 * x - 7, y + 500) for x, y in trial] for trial in table]
    assert interleaved(make(8, 1, 6), other, picked) == interleaved(make(8, 1, 6), table, picked)


@BOTH_RULES
def test_rules_keep_no_hold_of_the_callers_array(make: MakeRule) -> None:
    # A caller may reuse its buffer for the next report.
    rule = make(8, 1, 6)
    buffer = np.array([1.0, 1.0])
    assert rule.report("A", 1, buffer) is GO
    buffer[:] = 5.0
    assert rule.report("B", 1, buffer) is STOP


@BOTH_RULES
def test_two_rules_share_nothing(make: MakeRule) -> None:
    first, second = make(8, 1, 6), make(8, 1, 6)
    assert decisions(first, [("A", 1, (1, 1))]) == [GO]
    assert decisions(second, [("B", 1, (2, 2))]) == [GO]


@BOTH_RULES
@pytest.mark.parametrize("arguments", [(8, 0, 6), (8, 1, 1), (2, 3, 6), (INF, 1, 6), (8, NAN, 6)])
def test_arguments_are_checked_when_the_rule_is_built(
    make: MakeRule, arguments: tuple[float, float, float]
) -> None:
    with pytest.raises(ValueError, match="must be"):
        make(*arguments)
