"""Two folders compared: changes by hand, intervals only where they mean something, refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.analysis import comparison
from bench.errors import UserError
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Matrix
from bench.records import folders, storage
from bench.records.record import RunRecord
from bench.report import comparison_text
from tests.bench.examples import record

PAPER = load_matrix("paper").with_dataset("mnist")
CELL = "paper-dominance-g1 / acc+params / ax"


def folder(path: Path, *runs: RunRecord, matrix: Matrix = PAPER) -> Path:
    folders.open_folder(path, matrix)
    for run in runs:
        storage.write(run, path)
    return path


def stopped(seed: int, wall_s: float = 10.0, accuracy: float = 0.93) -> RunRecord:
    """Return a run of hypervolume 40 · (accuracy − 0.9).

    Its trials end at (0.91, 80) and (accuracy, 60).
    """
    curves = ((0.91,), (0.92, accuracy))
    return record("paper-dominance-g1", curves, seed=seed, wall_s=wall_s)


def shorter(seed: int) -> RunRecord:
    """Return a run with two epochs instead of three and half the time of `stopped`.

    Its hypervolume is 40 · 0.02 instead of 40 · 0.03.
    """
    return record("paper-dominance-g1", ((0.91,), (0.92,)), seed=seed, wall_s=5.0)


def compared(tmp_path: Path, seeds: int) -> comparison.Comparison:
    fifo = [record(seed=k) for k in range(seeds)]
    first = folder(tmp_path / "a", *fifo, *(stopped(k) for k in range(seeds)))
    second = folder(tmp_path / "b", *fifo, *(shorter(k) for k in range(seeds)))
    return comparison.compare(first, second)


def test_changes_by_hand(tmp_path: Path) -> None:
    found = compared(tmp_path, 6)
    changes = found.cells[CELL]
    expected = {"epochs": 2 / 3, "epochs_saved": 0.25, "runtime_s": 0.5, "hypervolume": 2 / 3}
    assert {name: c.estimate.value for name, c in changes.items()} == pytest.approx(expected)
    assert all(change.pairs == 6 for change in changes.values())
    row = comparison_text.table(found).set_index("cell").loc[CELL]
    assert row["changed"] == "fewer epochs, more saved, faster, less hypervolume"
    assert (row["epochs saved"], row["runtime"]) == ("+25.0 points", "× 0.500")
    assert (
        comparison_text.table(found).set_index("cell").loc["fifo / acc+params / ax"]["changed"]
        == "–"
    )
    assert comparison_text.summary(found).startswith(
        "12 pairs of runs in 2 cells: 1 of them changed"
    )


def test_all_cells_together_by_hand(tmp_path: Path) -> None:
    """FIFO's hypervolumes are unchanged; a mean change of (−0.2 + 0) / 2 = −0.1 gives 0.9 / 1.1."""
    found = compared(tmp_path, 6)
    expected = {"epochs": 9 / 11, "epochs_saved": 0.125, "runtime_s": 5 / 7, "hypervolume": 9 / 11}
    assert {name: o.estimate.value for name, o in found.overall.items()} == pytest.approx(expected)
    assert {(o.seeds, o.p) for o in found.overall.values()} == {(6, 2 / 2**6)}
    assert comparison_text.summary(found).endswith(
        "; over all cells and 6 seeds: fewer epochs (p = 0.031), more saved (p = 0.031), "
        "faster (p = 0.031), less hypervolume (p = 0.031)."
    )
    row = comparison_text.table(found).set_index("cell").loc["all 2 cells"]
    assert (row["pairs"], row["epochs"]) == ("6 seeds", "× 0.818, p = 0.031")


def test_what_one_cell_gains_and_another_loses_is_no_change_of_all(tmp_path: Path) -> None:
    """Every single interval excludes no change; the seeds' means over both cells are 0."""
    gained, lost = [], []
    for seed in range(6):
        rungwise = record("paper-rungwise-g1", ((0.91,), (0.92,)), seed=seed, wall_s=20.0)
        gained += [stopped(seed, wall_s=10.0), rungwise]
        slow = record("paper-rungwise-g1", ((0.91,), (0.92,)), seed=seed, wall_s=10.0)
        lost += [stopped(seed, wall_s=20.0), slow]
    found = comparison.compare(folder(tmp_path / "a", *gained), folder(tmp_path / "b", *lost))
    assert {c["runtime_s"].shown(comparison.MEASURES[2]) for c in found.cells.values()} == {True}
    assert found.overall["runtime_s"].p == 1.0
    assert comparison_text.summary(found).endswith(
        "2 of them changed; over all cells and 6 seeds: no change is shown."
    )


def test_one_run_that_stalled_does_not_turn_the_word_round(tmp_path: Path) -> None:
    """Eleven seeds are a little faster and one is much slower; the mean is slower, too."""
    walls = [*(10.0 - 0.05 * k for k in range(11)), 100.0]
    first = folder(tmp_path / "a", *(stopped(k, wall_s=10.1) for k in range(12)))
    second = folder(tmp_path / "b", *(stopped(k, wall_s=wall) for k, wall in enumerate(walls)))
    together = comparison.compare(first, second).overall["runtime_s"]
    assert together.p == pytest.approx(0.0341796875)
    assert together.estimate.high < 1


def test_seeds_that_did_not_change_do_not_turn_the_word_round(tmp_path: Path) -> None:
    """Fifteen of 21 seeds are unchanged and six have more epochs; the pseudomedian is no change."""
    first = folder(tmp_path / "a", *map(shorter, range(21)))
    second = folder(tmp_path / "b", *(stopped(k) if k < 6 else shorter(k) for k in range(21)))
    found = comparison.compare(first, second)
    assert (found.overall["epochs"].estimate.value, found.overall["epochs"].p) == (1.0, 2 / 2**6)
    assert found.overall["epochs"].more


def test_what_cancels_over_three_cells_is_no_change(tmp_path: Path) -> None:
    """0.1 + 0.2 − 0.3 is not 0 in floating point."""
    changes = {"paper-dominance-g1": 0.1, "paper-dominance-g2": 0.2, "paper-rungwise-g1": -0.3}
    first, second = [], []
    for seed in range(6):
        for name, change in changes.items():
            first.append(record(name, seed=seed, wall_s=10 * (1 - change)))
            second.append(record(name, seed=seed, wall_s=10 * (1 + change)))
    found = comparison.compare(folder(tmp_path / "a", *first), folder(tmp_path / "b", *second))
    assert found.overall["runtime_s"].p == 1.0


def test_a_seed_that_lacks_a_cell_does_not_count_over_all(tmp_path: Path) -> None:
    """Seed 6 has only the stopped cell, so that cell's change would have twice the weight."""
    first = folder(tmp_path / "a", *map(stopped, range(7)), *(record(seed=k) for k in range(6)))
    second = folder(tmp_path / "b", *map(shorter, range(7)), *(record(seed=k) for k in range(6)))
    found = comparison.compare(first, second)
    assert found.pairs[CELL] == 7
    assert found.overall["epochs"].seeds == 6
    assert found.overall["epochs"].estimate.value == pytest.approx(9 / 11)
    assert any(n.startswith("1 seed of 7 without a pair") for n in comparison_text.notes(found))
    # No seed has both cells, so there is no statement about all cells.
    alone = folder(tmp_path / "c", *map(stopped, range(6)), *(record(seed=k) for k in (7, 8)))
    found = comparison.compare(alone, alone)
    assert len(comparison_text.table(found)) == len(found.cells) == 2
    assert any(n.startswith("8 seeds of 8 without a pair") for n in comparison_text.notes(found))
    assert comparison_text.summary(found).endswith("2 cells: no change is shown.")


def test_intervals_over_seeds_that_differ(tmp_path: Path) -> None:
    first = folder(tmp_path / "a", *(stopped(k, wall_s=10.0) for k in range(6)))
    second = folder(tmp_path / "b", *(stopped(k, wall_s=10.0 * 2**k) for k in range(6)))
    runtime = comparison.compare(first, second).cells[CELL]["runtime_s"]
    # Ratios 1, 2, 4, 8, 16, 32: their geometric mean is 2^2.5.
    assert runtime.estimate.value == pytest.approx(2**2.5)
    assert 1 < runtime.estimate.low < 2**2.5 < runtime.estimate.high < 32
    text = comparison_text.markdown(comparison.compare(first, second))
    assert "× 5.657 [× 1." in text
    assert "slower" in text
    # No FIFO on either side: nothing was saved against it.
    assert comparison.compare(first, second).cells[CELL]["epochs_saved"].pairs == 0


def test_runs_that_fell_to_nothing_are_named(tmp_path: Path) -> None:
    """A value of 0 has no ratio: such runs are left out of the mean, but not of the table."""
    first = folder(tmp_path / "a", *(stopped(k) for k in range(8)))
    nothing = (record("paper-dominance-g1", ((0.5,), (0.5, 0.5)), seed=k) for k in (6, 7))
    second = folder(tmp_path / "b", *(stopped(k) for k in range(6)), *nothing)
    found = comparison.compare(first, second)
    row = comparison_text.table(found).set_index("cell").loc[CELL]
    assert row["hypervolume"] == "× 1.000, 2 to 0"
    assert row["changed"] == "hypervolume of 2 runs fell to 0"
    assert comparison_text.summary(found).endswith("1 of them changed.")
    back = comparison_text.table(comparison.compare(second, first)).set_index("cell").loc[CELL]
    assert back["hypervolume"] == "× 1.000, 2 from 0"
    # In the comparison of all seeds they count: two of eight changed by −1.
    together = found.overall["hypervolume"]
    assert together.estimate.low == pytest.approx(0.5 / 1.5)
    assert (together.estimate.value, together.p) == (1.0, 0.5)


def test_few_pairs_show_nothing(tmp_path: Path) -> None:
    found = compared(tmp_path, 5)
    assert comparison_text.summary(found).endswith("no change is shown.")
    table = comparison_text.table(found)
    assert set(table["changed"]) == {"–"}
    assert not table["epochs"].str.contains("p =").any()
    assert any("nothing can be concluded" in note for note in comparison_text.notes(found))


def test_what_is_in_one_only_and_what_differs_is_named(tmp_path: Path) -> None:
    failed = replace(record(seed=1), result=None, error="boom")
    other = replace(stopped(0), environment=stopped(0).environment | {"git_commit": "f" * 40})
    first = folder(tmp_path / "a", record(), record(seed=2), stopped(0))
    second = folder(tmp_path / "b", other, failed, record("paper-rungwise-g1"))
    notes = "\n".join(comparison_text.notes(comparison.compare(first, second)))
    assert f"Only in {first}: fifo / acc+params / ax." in notes
    assert f"Only in {second}: paper-rungwise-g1 / acc+params / ax." in notes
    assert "2 finished runs of A without a matching run" in notes
    assert "1 failed run in B" in notes
    assert "Commits: abc and abc; ffffffffffff" in notes


def test_other_parameters_and_machines_are_named(tmp_path: Path) -> None:
    schedulers = tuple(
        replace(one, params=dict(one.params) | {"grace_period": 3})
        if one.label == "paper-dominance-g1"
        else one
        for one in PAPER.schedulers
    )
    moved = replace(stopped(0), environment=stopped(0).environment | {"cores": 64})
    first = folder(tmp_path / "a", stopped(0))
    second = folder(tmp_path / "b", moved, matrix=replace(PAPER, schedulers=schedulers))
    notes = "\n".join(comparison.compare(first, second).notes)
    assert "the parameters of paper-dominance-g1 differ: " in notes
    assert (
        "runtimes are from different machines: p, 2 cores, no GPU and p, 64 cores, no GPU" in notes
    )


def test_other_vector_instructions_are_named(tmp_path: Path) -> None:
    def made_with(used: str, name: str) -> Path:
        here = {"instructions": {"used": used}}
        return folder(
            tmp_path / name, replace(stopped(0), environment=stopped(0).environment | here)
        )

    old, avx2 = folder(tmp_path / "old", stopped(0)), made_with("AVX2", "a")
    assert "vector instructions: unknown in A and AVX2 in B" in "".join(
        comparison.compare(old, avx2).notes
    )
    assert "vector" not in "".join(comparison.compare(avx2, made_with("AVX2", "b")).notes)


def other_data(run: RunRecord) -> RunRecord:
    return replace(run, data={"name": "mnist", "sha256": "0" * 64})


def other_reference(run: RunRecord) -> RunRecord:
    first, *rest = run.objectives
    return replace(run, objectives=(replace(first, reference=0.5), *rest))


def other_goal(run: RunRecord) -> RunRecord:
    first, *rest = run.objectives
    return replace(run, objectives=(replace(first, goal="min"), *rest))


def wider(run: RunRecord) -> RunRecord:
    return replace(run, space={"units": {"kind": "range", "lower": 1, "upper": 2}})


def test_other_spaces_are_refused_and_older_records_have_none(tmp_path: Path) -> None:
    narrow = replace(record(), space={"units": {"kind": "range", "lower": 1, "upper": 3}})
    for name, run in (("a", narrow), ("b", wider(record())), ("old", record())):
        folders.open_folder(tmp_path / name, PAPER)
        storage.write(run, tmp_path / name)
    comparison.compare(tmp_path / "a", tmp_path / "old")
    with pytest.raises(UserError, match=r"different search spaces \(units upper 3 instead of 2\)"):
        comparison.compare(tmp_path / "a", tmp_path / "b")


def other_charges(run: RunRecord) -> RunRecord:
    """Return the run as another version would make it, with other costs of a suggestion."""
    return replace(run, spec=run.spec | {"virtual": {"suggestion_s": 2}})


@pytest.mark.parametrize(
    ("matrix", "change", "message"),
    [
        (
            load_matrix("paper").with_dataset("digits"),
            None,
            r"different data sets \(mnist and digits\)",
        ),
        (PAPER.with_budget(trials=5), None, "different budgets"),
        (PAPER.in_virtual_time(), None, "different (problems|backends)"),
        (
            PAPER,
            other_data,
            r"different data under the same name \(eeeeeeeeeeeeeeee and 0000000000000000\)",
        ),
        (PAPER, other_goal, r"different goal values of val_accuracy \(max and min\)"),
        (PAPER, other_reference, r"different reference values of val_accuracy \(0.9 and 0.5\)"),
        (
            PAPER,
            other_charges,
            r"different costs in virtual time \(None and \{'suggestion_s': 2\}\)",
        ),
        (PAPER, lambda run: replace(run, run_id="x", spec=run.spec | {"seed": 9}), "is in both"),
        (PAPER, lambda run: replace(run, result=None, error="boom"), "no finished run to compare"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(
    matrix: Matrix,
    change: Callable[[RunRecord], RunRecord] | None,
    message: str,
    tmp_path: Path,
) -> None:
    first = folder(tmp_path / "a", stopped(0))
    second = folder(tmp_path / "b", change(stopped(0)) if change else stopped(0), matrix=matrix)
    with pytest.raises(UserError, match=message):
        comparison.compare(first, second)
