"""``mobo-bench report`` prints three lines and one table, in any width."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from bench.analysis import aggregate
from bench.matrix.files import load_matrix
from bench.records import folders, storage
from bench.report import report_data, terminal_text
from tests.bench.analysis.test_evidence import FULL, HALF, found, run
from tests.bench.examples import record

NAMES = [f"a-scheduler-with-a-long-name-eta{k}" for k in range(17)]


def lines(shown: Table, width: int) -> list[str]:
    printed = io.StringIO()
    Console(file=printed, width=width).print(shown)
    return [line.rstrip() for line in printed.getvalue().splitlines() if line.strip()]


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("searchers", [("ax",), ("ax", "sobol", "bohb-with-a-long-name")])
def test_many_schedulers_have_a_line_each_and_fit(width: int, searchers: tuple[str, ...]) -> None:
    runs = [
        replace(made, labels=made.labels | {"searcher": name}, run_id=f"{made.run_id}.{name}")
        for name in searchers
        for seed in range(6)
        for made in (
            run("fifo", seed, FULL),
            *(run(scheduler, seed, HALF) for scheduler in NAMES),
        )
    ]
    shown = lines(terminal_text.against_fifo(found(runs)), width)
    rows = [line for line in shown if line.lstrip().startswith("a-sch")]
    assert len(rows) == len(NAMES) * len(searchers)
    assert max(map(len, shown)) <= width
    assert all("50.0 %" in row and row.count("80.0 %") == 2 for row in rows)
    whole = [row.split()[0] in NAMES for row in rows]  # or cut, with … for the rest
    assert all(kept or "…" in row for kept, row in zip(whole, rows, strict=True))
    assert all(whole) or (width == 80 and len(searchers) > 1)


def test_a_row_by_hand() -> None:
    runs = [run(name, k, curve) for k in range(6) for name, curve in (("fifo", FULL), ("h", HALF))]
    title, _, heading, _, row = lines(terminal_text.against_fifo(found(runs)), 80)
    assert title == "Each scheduler against FIFO"
    assert heading.split() == ["scheduler", *("saved", "saved"), "kept", "(mean)", "run", "shown"]
    assert row.split() == ["h", "50.0", "%", "0.0", "%", "80.0", "%", "80.0", "%", "less"]


def test_verdicts_are_left_out_where_there_are_none_and_short_where_there_are() -> None:
    few = [run(name, k, curve) for k in range(2) for name, curve in (("fifo", FULL), ("h", HALF))]
    assert "shown" not in "".join(lines(terminal_text.against_fifo(found(few)), 80))
    same = [run(name, k, FULL) for k in range(6) for name in ("fifo", "twin")]
    assert lines(terminal_text.against_fifo(found(same)), 80)[-1].endswith("same")


def test_a_table_by_cell_has_a_line_per_objective_set() -> None:
    runs = [
        run(name, 0, curve, sets)
        for (name, curve), sets in product(
            (("fifo", FULL), ("h", HALF)), ("acc+params", "acc+loss")
        )
    ]
    shown = lines(terminal_text.by_cell(aggregate.summarise(runs)), 80)
    assert shown[0] == "Every scheduler and objective set"
    assert [line.split() for line in shown[-4:]] == [
        ["fifo", "acc+params", "10.0s", "2", "1", "1.000"],
        ["fifo", "acc+loss", "10.0s", "2", "1", "1.000"],
        ["h", "acc+params", "10.0s", "1", "0.8", "0.800"],
        ["h", "acc+loss", "10.0s", "1", "0.8", "0.800"],
    ]
    alone = lines(
        terminal_text.by_cell(aggregate.summarise([run("h", k, HALF) for k in (0, 1)])), 80
    )
    assert "medians over the seeds" in alone[0]
    assert "FIFO" not in "".join(alone)


@pytest.mark.parametrize(
    ("schedulers", "seeds", "title"),
    [
        (("fifo", "paper-rungwise-g1"), 1, "Every scheduler and objective set"),
        (("fifo", "paper-rungwise-g1"), 2, "Each scheduler against FIFO"),
        (("paper-rungwise-g1",), 2, "Every scheduler and objective set, medians over the seeds"),
    ],
)
def test_the_papers_figures_are_shown_for_one_seed(
    schedulers: tuple[str, ...], seeds: int, title: str, tmp_path: Path
) -> None:
    folders.open_folder(tmp_path, load_matrix("paper").with_dataset("mnist"))
    for name, seed in product(schedulers, range(seeds)):
        storage.write(record(name, seed=seed), tmp_path)
    failed = replace(record(seed=9), result=None, error="Traceback\nRuntimeError: boom")
    storage.write(failed, tmp_path)
    printed = io.StringIO()
    terminal_text.show(report_data.gather(tmp_path), Console(file=printed, width=80))
    text = printed.getvalue()
    assert title in [line.rstrip() for line in text.splitlines()]
    assert text.startswith("1 failed run left out; the report has the reasons\n")
    assert max(map(len, text.splitlines())) <= 80
