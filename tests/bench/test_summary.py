"""The summary says who saves how much at what loss, and never more than the runs show."""

from __future__ import annotations

from bench import summary
from bench.sheets import to_markdown
from tests.bench.test_evidence import FULL, found, run

HALF = ((0.94,),)


def text(*schedulers: tuple[str, tuple[tuple[float, ...], ...]], seeds: int = 8) -> str:
    runs = [run(name, k, curves) for k in range(seeds) for name, curves in schedulers]
    return to_markdown(summary.notes(found(runs)))


def test_who_saves_most_and_who_saves_most_at_little_loss() -> None:
    # FIFO trains one trial for four epochs to 0.95, 0.05 better than the reference.
    fifo = ((0.91, 0.92, 0.93, 0.95),)
    shown = text(("fifo", fifo), ("half", HALF), ("close", ((0.92, 0.9499),)))
    first, second, sure = shown.strip().split("\n\n")
    assert first.startswith("**Most saved at a loss of at most 1 %:** close saves 50.0 % of FIFO")
    assert "0.998 of its hypervolume" in first
    assert "less, p = 0.016" in first  # 2 · 2⁻⁸, the smallest of eight seeds, and Holm over two
    assert second.startswith("**Most saved at any loss:** half saves 75.0 % of FIFO's epochs")
    assert "0.800 of its hypervolume" in second
    assert sure.startswith("**How sure that is.** They were chosen by these runs")


def test_none_at_little_loss() -> None:
    shown = text(("fifo", FULL), ("half", HALF), seeds=2)
    assert shown.startswith("**Least lost:** half saves 50.0 %")
    assert "No scheduler loses 1 % or less of FIFO's hypervolume." in shown
    assert "cannot be concluded" in shown
    assert "chosen by these runs" not in shown  # there was no choice


def test_nothing_to_compare() -> None:
    assert "nothing can be said of savings" in to_markdown(summary.notes(None))
