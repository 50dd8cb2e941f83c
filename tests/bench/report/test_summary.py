"""The summary says who saves how much at what loss, and never more than the runs show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from bench.report import summary
from bench.report.report_data import ReportData
from bench.report.tables_and_notes import to_markdown
from tests.bench.analysis.test_evidence import FULL, found, run

HALF = ((0.94,),)


def text(*schedulers: tuple[str, tuple[tuple[float, ...], ...]], seeds: int = 8) -> str:
    runs = [run(name, k, curves) for k in range(seeds) for name, curves in schedulers]
    findings = found(runs)
    return to_markdown([*summary.notes(findings), *summary.lead(findings)])


def test_who_saves_most_and_who_saves_most_at_little_loss() -> None:
    # FIFO trains one trial for four epochs to 0.95, 0.05 better than the reference.
    fifo = ((0.91, 0.92, 0.93, 0.95),)
    shown = text(("fifo", fifo), ("half", HALF), ("close", ((0.92, 0.9499),)))
    first, second, sure, answer, terms = shown.strip().split("\n\n")
    title = "**Most epochs saved at a mean loss of at most 1 %:**"
    assert first.startswith(f"{title} close saves 50.0 % of FIFO")
    assert "0.998 of FIFO's hypervolume (mean 0.998, worst run 0.998)" in first
    assert "lower (p = 0.016)" in first  # 2 · 2⁻⁸, the smallest of eight seeds, and Holm over two
    assert second.startswith(
        "**Most epochs saved at any loss:** half saves 75.0 % of FIFO's epochs"
    )
    assert "0.800 of FIFO's hypervolume" in second
    assert sure.startswith("**How sure this is.** The shares are interquartile means over 8 seeds")
    assert answer == " ".join(
        [
            "It saves 0.0 % of the time; its worst run keeps 99.8 % of the hypervolume.",
            "Its hypervolume is lower (p = 0.016).",
            "Winners were picked on these same runs; expect slightly less elsewhere.",
        ]
    )
    assert terms.endswith("[All words](#words)")


def test_a_loss_in_few_runs_is_a_loss() -> None:
    """The interquartile mean leaves out the two bad runs of eight, which lost a fifth."""
    runs = [run("fifo", k, FULL) for k in range(8)]
    runs += [run("rash", k, HALF if k < 2 else ((0.95,),)) for k in range(8)]
    runs += [run("shy", k, FULL) for k in range(8)]
    first, second, *_ = to_markdown(summary.notes(found(runs))).strip().split("\n\n")
    assert first.startswith("**Most epochs saved at a mean loss of at most 1 %:** shy saves 0.0 %")
    assert second.startswith("**Most epochs saved at any loss:** rash saves 50.0 %")
    assert "ends with 1.000" in second
    assert "of FIFO's hypervolume (mean 0.950, worst run 0.800)" in second
    # The headline has the mean, which the bad runs move.
    headline = "shy keeps 100.0 % of the hypervolume with 100 % of the epochs"
    assert summary.headline(found(runs)) == headline


def test_none_at_little_loss() -> None:
    shown = text(("fifo", FULL), ("half", HALF), seeds=2)
    assert shown.startswith("**Smallest loss:** half saves 50.0 %")
    assert "No scheduler loses 1 % or less of FIFO's hypervolume in the mean." in shown
    assert "With 2 seeds no difference can be shown" in shown
    assert "Winners were picked" not in shown  # there was no choice


def test_times_of_different_days_are_said_to_be_so() -> None:
    runs = [run(name, 0, curves) for name, curves in (("fifo", FULL), ("half", HALF))]
    two = to_markdown(summary.notes(found(runs), ["2026-01-01", "2026-01-03"]))
    assert "The runs were made on 2026-01-01 and 2026-01-03." in two
    many = to_markdown(summary.notes(found(runs), ["2026-01-01", "2026-01-02", "2026-01-03"]))
    assert "The runs were made on 3 days from 2026-01-01 on." in many
    assert "different days" not in to_markdown(summary.notes(found(runs)))


def test_different_vector_instructions_are_said_to_be_so() -> None:
    runs = [run(name, 0, curves) for name, curves in (("fifo", FULL), ("half", HALF))]
    text = to_markdown(summary.notes(found(runs), instructions=["AVX2", "unknown"]))
    assert "The runs were made with different ones: AVX2; unknown." in text
    assert "different ones" not in to_markdown(summary.notes(found(runs)))


@pytest.mark.parametrize(
    ("first", "hours", "backend", "days"),
    [
        (23, 1, {}, []),
        (23, 30, {}, ["2026-01-01", "2026-01-03"]),
        (23, 30, {"virtual": {}}, []),
        (1, 20, {}, []),
    ],
)
def test_days_of_runs(first: int, hours: int, backend: dict[str, object], days: list[str]) -> None:
    began = datetime(2026, 1, 1, first, tzinfo=UTC)
    runs = [
        replace(run("fifo", seed, FULL), started_at=(began + timedelta(hours=after)).isoformat())
        for seed, after in enumerate((0, hours))
    ]
    whole = ReportData(
        settings=backend,
        subject="",
        recorded=runs,
        runs=pd.DataFrame(),
        curves={},
        tables=[],
        findings=None,
        with_paper=False,
    )
    assert whole.days == days


def test_a_scheduler_that_takes_longer_does_not_save_less_than_nothing() -> None:
    runs = []
    for seed in range(2):
        late = run("late", seed, HALF)
        assert late.result is not None
        timing = replace(late.result.timing, wall_s=1.5 * late.result.timing.wall_s)
        late = replace(late, result=replace(late.result, timing=timing))
        runs += [run("fifo", seed, FULL), late]
    answer = summary.answer(found(runs))
    assert answer[1].startswith("It takes 50.0 % more time than FIFO; its worst run keeps 80.0 %")


def test_nothing_to_compare() -> None:
    assert summary.recommended(None) is None
    assert summary.headline(None).startswith("No scheduler can be compared with FIFO: it takes")
    assert summary.answer(None) == [f"{summary.headline(None)}."]
    assert to_markdown(summary.lead(None)).startswith(summary.headline(None))
    assert summary.notes(None) == []


def answered(*schedulers: tuple[str, tuple[tuple[float, ...], ...]], seeds: int) -> list[str]:
    return summary.answer(
        found([run(name, k, curves) for k in range(seeds) for name, curves in schedulers])
    )


def test_the_answer_has_three_lines_and_the_last_says_how_sure_it_is() -> None:
    assert answered(("fifo", FULL), ("half", HALF), seeds=2) == [
        "half keeps 80.0 % of the hypervolume with 50 % of the epochs.",
        "It saves 0.0 % of the time; its worst run keeps 80.0 % of the hypervolume.",
        "With 2 seeds no difference can be shown; it takes at least 6.",
    ]
    assert answered(("fifo", FULL), ("half", HALF), seeds=6)[2] == (
        "Its hypervolume is lower (p = 0.031)."
    )
    assert answered(("fifo", FULL), ("twin", FULL), seeds=6)[2] == (
        "Its hypervolume equals FIFO's in every seed."
    )
    more = ("fifo", HALF), ("more", ((0.96,),))
    assert answered(*more, seeds=1)[0].startswith("more reaches 150.0 % of the hypervolume")
    runs = [run(name, k, FULL) for k in range(8) for name in ("fifo", "near")]
    runs[1] = run("near", 0, HALF)
    assert summary.answer(found(runs))[2] == (
        "Too few of its 8 seeds differ from FIFO's to show a difference."
    )


def test_a_scheduler_of_several_searchers_is_named_with_its_own() -> None:
    runs = [run(name, 0, curves) for name, curves in (("fifo", FULL), ("half", HALF))]
    runs += [
        replace(made, labels=made.labels | {"searcher": "sobol"}, run_id=f"{made.run_id}.sobol")
        for made in runs
    ]
    assert summary.headline(found(runs)).startswith("half with ax keeps 80.0 %")
