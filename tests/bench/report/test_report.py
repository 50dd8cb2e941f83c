"""Reports of made-up records: every file is there, figures are pictures, nothing is hidden."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from rich.console import Console

from bench.errors import UserError
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Matrix
from bench.records import folders, storage
from bench.records.record import RunRecord
from bench.report import write
from tests.bench.examples import record

SETS = ("acc+params", "acc+loss", "loss+params")
MNIST_PAPER = load_matrix("paper").with_dataset("mnist")


def results(folder: Path, matrix: Matrix, *runs: RunRecord) -> Path:
    folders.open_folder(folder, matrix)
    for run in runs:
        storage.write(run, folder)
    return folder


def text_of(folder: Path, tmp_path: Path) -> str:
    with (tmp_path / "out.txt").open("w") as file:
        write.write(folder, tmp_path / "reports", Console(file=file, width=250))
    return (tmp_path / "reports" / "report.md").read_text("utf-8")


def test_tables_figures_and_provenance(tmp_path: Path) -> None:
    runs = [record(seed=k) for k in range(2)] + [
        record("paper-dominance-g1", curves=((0.91,), (0.92, 0.93)), seed=k) for k in range(2)
    ]
    text = text_of(results(tmp_path / "r", MNIST_PAPER, *runs), tmp_path)
    made = {str(p.relative_to(tmp_path / "reports")) for p in (tmp_path / "reports").rglob("*.*")}
    figures = (
        *("fronts", "progress", "hypervolume-over-time", "stop-epochs", "time"),
        *("savings", "performance-profiles", "running-time"),
    )
    assert made == {
        "index.html",
        "report.md",
        "runs.csv",
        *(f"table-{k}.{kind}" for k in (1, 2) for kind in ("csv", "tex")),
        *(f"figures/{name}.{kind}" for name in figures for kind in ("png", "pdf")),
    }
    for name in figures:
        data = (tmp_path / "reports" / "figures" / f"{name}.png").read_bytes()
        assert data.startswith(b"\x89PNG")
        assert len(data) > 10_000
        assert f"figures/{name}.png" in text
    assert "17m33s · 5 · 5892.7" in text
    for provenance in ("mobo-bench run paper", "abc", "3.11", "ray 2", "seeds: `0, 1`"):
        assert provenance in text
    printed = (tmp_path / "out.txt").read_text()
    lines = [line.rstrip() for line in printed.splitlines() if line.strip()]
    assert lines[0].startswith("paper-dominance-g1 keeps ")
    assert lines[2] == "With 2 seeds no difference can be shown; it takes at least 6."
    assert lines[3] == "Each scheduler against FIFO"
    assert lines[-2:] == [
        f"page: {tmp_path / 'reports' / 'index.html'}",
        f"tables and figures: {tmp_path / 'reports' / 'report.md'}",
    ]


def test_statistics_of_enough_runs_are_drawn_and_repeat(tmp_path: Path) -> None:
    labels = {"fifo": 0.95, "paper-dominance-g1": 0.94, "paper-rungwise-g1": 0.93}
    runs = []
    for (name, end), sets, seed in product(labels.items(), SETS, range(6)):
        made = record(name, ((0.91, end + 0.001 * seed), (0.92, 0.93)), seed=seed)
        spec = made.spec | {"objectives": sets.split("+")}
        runs.append(replace(made, spec=spec, run_id=f"{name}.{sets}.{seed}"))
    folder = results(tmp_path / "r", MNIST_PAPER, *runs)
    text = text_of(folder, tmp_path)
    section = text.split("## Statistics")[1].split("## Figures")[0]
    assert "With 6 seeds no difference can be shown at 0.05" in section  # two comparisons
    assert "| paper-rungwise-g1 | 6 × 3 |" in section
    assert "Wilcoxon test |" not in section  # said once, not in every row
    for name in ("critical-difference", "attainment"):
        data = (tmp_path / "reports" / "figures" / f"{name}.png").read_bytes()
        assert data.startswith(b"\x89PNG")
        assert f"figures/{name}.png" in text
    assert text_of(folder, tmp_path) == text


def test_an_interrupted_matrix_has_statistics_of_what_is_there(tmp_path: Path) -> None:
    # The stoppers share no seed, and one of them lacks an objective set.
    runs = []
    for name, seeds, sets in (
        ("fifo", range(4), SETS[:2]),
        ("paper-dominance-g1", (0, 1), SETS[:1]),
        ("paper-rungwise-g1", (2, 3), SETS[:2]),
    ):
        for seed, objectives in product(seeds, sets):
            made = record(name, ((0.91, 0.94),), (80.0,), seed=seed)
            spec = made.spec | {"objectives": objectives.split("+")}
            runs.append(replace(made, spec=spec, run_id=f"{name}.{objectives}.{seed}"))
    text = text_of(results(tmp_path / "r", MNIST_PAPER, *runs), tmp_path)
    assert "| paper-dominance-g1 | 2 × 1 |" in text
    assert "| paper-rungwise-g1 | 2 × 2 |" in text
    assert "performance-profiles" not in text  # no pair of set and seed that all have
    assert "figures/running-time.png" in text


def test_other_data_are_never_set_beside_the_paper(tmp_path: Path) -> None:
    folder = results(tmp_path / "r", load_matrix("paper").with_dataset("digits"), record())
    text = text_of(folder, tmp_path)
    assert "5892.7" not in text
    assert text.count("not comparable with the paper") >= 2  # at the top and in every caption
    assert "Table 1: FIFO (fifo)" in text  # it is the paper's matrix all the same
    assert "the kind that the paper printed" not in text


def test_only_the_papers_matrix_numbers_its_tables_and_speaks_of_mnist(tmp_path: Path) -> None:
    runs = [record(), record("paper-dominance-g2")]
    folder = results(tmp_path / "r", load_matrix("quick").with_dataset("digits"), *runs)
    text = text_of(folder, tmp_path)
    assert "on scikit-learn's digits, " in text
    for word in ("MNIST", "Table ", "the paper"):
        assert word not in text.split("## How this was made")[0], word
    made = sorted(p.name for p in (tmp_path / "reports").glob("table-*.csv"))
    assert made == ["table-fifo.csv", "table-paper-dominance-g2.csv"]


def test_tables_of_an_earlier_report_are_removed(tmp_path: Path) -> None:
    folder = results(tmp_path / "r", MNIST_PAPER, record())
    (tmp_path / "reports").mkdir()
    for name in ("table-9.csv", "table-9.tex", "notes.csv"):
        (tmp_path / "reports" / name).touch()
    text_of(folder, tmp_path)
    left = {path.name for path in (tmp_path / "reports").glob("*.*")}
    assert left == {
        *("index.html", "report.md", "runs.csv", "table-1.csv", "table-1.tex", "notes.csv")
    }


def test_workers_of_a_trial_are_named(tmp_path: Path) -> None:
    matrix = MNIST_PAPER.with_budget(workers_per_trial=3)
    text = text_of(results(tmp_path / "r", matrix, record()), tmp_path)
    assert "2 at a time, each by 3 workers." in text
    folder = tmp_path / "r"
    with pytest.raises(UserError, match="holds runs with another budget"):
        folders.open_folder(folder, MNIST_PAPER)


def test_failed_runs_are_named(tmp_path: Path) -> None:
    failed = replace(record(seed=1), result=None, error="Traceback\nRuntimeError: boom")
    text = text_of(results(tmp_path / "r", MNIST_PAPER, record(), failed), tmp_path)
    assert f"**Failed run** `{failed.run_id}`: RuntimeError: boom" in text


def test_three_objectives_and_no_front_at_all(tmp_path: Path) -> None:
    hopeless = record(curves=((0.1, 0.2), (0.1, 0.1)))
    assert "| 0 |" in text_of(results(tmp_path / "r", MNIST_PAPER, hopeless), tmp_path)


def test_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a results folder"):
        text_of(tmp_path, tmp_path)
    with pytest.raises(UserError, match="has no finished run"):
        text_of(results(tmp_path / "r", MNIST_PAPER), tmp_path)
