"""The page on the paper says what the published and the recorded figures give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.paper import ROWS

REPORTS = Path(__file__).resolve().parents[2] / "reports"
PAGE = (REPORTS / "paper.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())
STOPPED = {key: row for key, row in ROWS.items() if key[0] != 1}


def saved(key: tuple[int, str]) -> float:
    """Share of FIFO's runtime, as published."""
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


def test_one_run_is_as_good_as_it_was_said_to_be() -> None:
    within = [key for key in STOPPED if observed(key) >= 0.98]
    assert within == [(4, "acc+loss+params")]
    assert (
        f"{observed(within[0]):.1%}, which saves {saved(within[0]):.1%}".replace("%", " %") in TEXT
    )


def test_predictions_are_lower_than_what_was_observed() -> None:
    def span(rows: list[tuple[int, str]]) -> str:
        shares = [ROWS[key].hypervolume / ROWS[key].observed_hypervolume for key in rows]
        assert max(shares) < 1
        return f"{100 * min(shares):.0f} to {100 * max(shares):.0f} %"

    assert f"are {span(list(ROWS))} of them" in TEXT
    assert f"FIFO's {span([key for key in ROWS if key[0] == 1])}" in TEXT
    assert f"Table 2 {span([key for key in ROWS if key[0] == 2])}" in TEXT
    worst = (2, "acc+params")
    assert (
        f"{published(worst):.0%} of FIFO as published and {observed(worst):.0%}".replace("%", " %")
        in TEXT
    )


def test_fewer_epochs_are_not_as_much_less_time() -> None:
    for key, names in (((2, "acc+loss"), "Table 2"), ((4, "acc+loss+params"), "Table 4")):
        fewer, less = 1 - ROWS[key].epochs / ROWS[1, key[1]].epochs, saved(key)
        digits = 0 if less > 0.1 else 1
        assert re.search(
            rf"{100 * fewer:.0f} % fewer (epochs came )?to {100 * less:.{digits}f} % less "
            rf"(time )?in {names}",
            TEXT,
        )


@pytest.mark.parametrize("line", re.findall(r"\| [a-z].* × 4 \|.*", PAGE))
def test_tables_are_those_of_the_reports(line: str) -> None:
    name = "paper" if " 6 × 4 " in line else "schedulers"
    report = (REPORTS / "reference" / f"{name}-mnist-virtual" / "report.md").read_text("utf-8")
    assert line in report


def test_both_tables_are_there() -> None:
    assert len(re.findall(r"\| [a-z].* × 4 \|.*", PAGE)) == 3 + 4


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert targets
    for target in targets:
        assert (REPORTS / target).exists(), target
