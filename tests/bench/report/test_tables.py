"""Tables: the paper's layout, medians and ranges, and the published figures beside ours."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from bench.analysis import aggregate, paper
from bench.formatting import significant
from bench.report import tables
from tests.bench.examples import record

SOBOL = {"searcher": "sobol"}


def built(*records: object, with_paper: bool = False, numbered: bool = False) -> list[tables.Table]:
    runs = aggregate.summarise(records)  # type: ignore[arg-type]
    return tables.build(runs, "MLP on test data", with_paper, numbered=numbered)


def test_one_table_per_scheduler_under_the_papers_number() -> None:
    made = built(record("paper-rungwise-g1"), record("fifo"), numbered=True)
    assert [table.name for table in made] == ["table-1", "table-4"]
    assert made[0].title == "Table 1: FIFO (fifo)"


def test_one_seed_shows_the_value_and_several_the_median_and_range() -> None:
    (alone,) = built(record())
    assert alone.cells["runtime"].tolist() == ["10.0s"]
    several = built(*(record(seed=k, wall_s=w) for k, w in enumerate((10.0, 70.0, 20.0))))[0]
    assert several.cells["runtime"].tolist() == ["20.0s (10.0s–1m10s)"]
    assert several.numbers["runtime_s_median"].tolist() == [20.0]
    assert several.numbers["seeds"].tolist() == [3]
    assert "median (range) of 3 seeds" in several.caption


def test_published_and_recomputed_figures_stand_beside_ours_only_when_asked() -> None:
    (table,) = built(record(), with_paper=True)
    assert table.cells.iloc[0, -2] == "17m33s · 5 · 5892.7"
    assert table.cells.iloc[0, -1] == "4 · 6026.9 · 200"
    assert table.numbers["paper_hypervolume"].tolist() == [5892.7]
    (without,) = built(record())
    assert not any("paper" in column for column in without.cells.columns)


def test_markdown_is_a_table() -> None:
    lines = built(record())[0].to_markdown().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 3
    assert len({row.count("|") for row in rows}) == 1
    assert rows[2].startswith("| acc+params | 10.0s | 2 | 1.6 | 2.5 | 4 |")


def test_latex_escapes_and_balances() -> None:
    text = built(record(), with_paper=True)[0].to_latex()
    assert text.count(r"\begin{") == text.count(r"\end{") == 2
    body = text[text.index(r"\toprule") :]
    columns = {line.count(" & ") for line in body.splitlines() if line.endswith(r"\\")}
    assert len(columns) == 1
    assert r"20.0 \%" in text  # utilisation
    assert "·" not in text


def test_csv_reads_back_as_numbers() -> None:
    text = built(record())[0].numbers.to_csv(index=False)
    (row,) = csv.DictReader(io.StringIO(text))
    assert float(row["hypervolume_median"]) == pytest.approx(1.6)


def test_failed_trials_are_told() -> None:
    (table,) = built(record(failed=(1,)))
    assert table.remark == "Of 2 trials, 1 failed."
    for shown in (table.to_markdown(), table.to_latex()):
        assert table.remark in shown


def test_a_caption_is_due_once_for_the_tables_that_share_it() -> None:
    made = built(
        *(record(name) for name in ("fifo", "mine", "yours", "theirs")), record("yours", seed=1)
    )
    one, two = made[0].caption, made[2].caption
    assert "One seed" in one
    assert "2 seeds" in two
    due = ["", f"fifo to mine: {one}", f"yours: {two}", f"theirs: {one}"]
    assert tables.captions_due(made) == due


def test_tables_of_others_follow_the_papers() -> None:
    names = ("fifo", "mine", "paper-dominance-g1", "yours")
    made = built(*(record(name) for name in names), numbered=True)
    assert [table.name for table in made] == ["table-1", "table-2", "table-5", "table-6"]
    due = [caption.partition(":")[0] for caption in tables.captions_due(made)]
    assert due == ["", "", "", "Table 1 to Table 6"]


def test_other_tables_are_called_like_their_schedulers() -> None:
    made = built(*(record(name) for name in ("mine", "fifo", "../a b", "..:a b", "A-B")))
    assert [table.name for table in made] == [
        *("table-mine", "table-fifo", "table-..-a-b", "table-..-a-b-2", "table-A-B")
    ]
    assert [table.title for table in made][:2] == ["mine", "fifo"]
    searched = [record(), replace(record(), run_id="b", labels={"scheduler": "fifo"} | SOBOL)]
    assert [(table.name, table.title) for table in built(*searched)] == [
        ("table-fifo-ax", "fifo, search by ax"),
        ("table-fifo-sobol", "fifo, search by sobol"),
    ]


def test_predictions_have_a_column_where_there_are_any() -> None:
    (predicted,) = built(record())
    assert "predicted" in predicted.cells.columns
    assert "Predicted is the hypervolume by Ax's model." in predicted.caption
    one = record()
    assert one.result is not None
    without = replace(one, result=replace(one.result, predicted=None))
    (plain,) = built(without)
    assert "predicted" not in plain.cells.columns
    assert "redicted" not in plain.caption
    assert "predicted" not in plain.to_sheet().header
    (paper_table,) = built(without, with_paper=True)
    assert "predicted" in paper_table.cells.columns  # the published one stands there


@pytest.mark.parametrize(
    ("value", "text"),
    [(6026.910784, "6026.9"), (0.0299851, "0.029985"), (32908.19, "32908"), (0.0, "0")],
)
def test_five_significant_digits(value: float, text: str) -> None:
    assert significant(value) == text


def test_papers_largest_saving_is_46_7_percent() -> None:
    # Runtimes as published; the paper's abstract says 'up to 51 %', its tables do not.
    savings = [
        1 - row.runtime_s / paper.ROWS[(1, objectives)].runtime_s
        for (table, objectives), row in paper.ROWS.items()
        if table > 1
    ]
    assert max(savings) == pytest.approx(0.467, abs=5e-4)
    assert len(paper.ROWS) == 16


def test_comparison_with_fifo_ends_with_the_oracle() -> None:
    stopped = record("other", ((0.91, 0.95), (0.92,)), wall_s=5.0)
    (sheet,) = tables.comparison(aggregate.summarise([record(), stopped]))
    lines = sheet.to_markdown().splitlines()
    assert lines[0] == "**acc+params**, search by ax, 1 seed"
    assert lines[4].startswith("| fifo | 0.0 % | 0.0 % | 1.000 | 0 | 0 |")
    # Three of four epochs, half the time; the second trial of FIFO's front is lost.
    assert lines[5].startswith("| other | 25.0 % | 50.0 % | ")
    assert lines[5].endswith("| 1 | 0 |")
    assert lines[6] == "| *oracle* | 0.0 % | | 1.000 | 0 | |"
