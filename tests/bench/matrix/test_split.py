"""The split is the one that was committed before any run: nothing may move between its sides."""

from __future__ import annotations

from bench.matrix.split import SEEN, TUNING_SHARE, side_of
from mobo_core.problems.yahpo import instances

TUNING_LCBENCH = "3945 146212 167152 167161 167168 167185 167200 168329 168331 168910 189354 189906"


def test_the_sides_of_lcbench_are_as_committed() -> None:
    tuning = {i for i in instances("lcbench") if side_of(f"lcbench-{i}") == "tuning"}
    assert tuning == set(TUNING_LCBENCH.split())


def test_about_a_third_is_for_tuning() -> None:
    names = [f"rbv2_xgboost-{i}" for i in instances("rbv2_xgboost")]
    share = sum(side_of(name) == "tuning" for name in names) / len(names)
    assert abs(share - TUNING_SHARE) < 0.05


def test_what_was_seen_before_is_for_tuning() -> None:
    assert {side_of(name) for name in SEEN} == {"tuning"}
