"""The words that a report uses, each explained in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

ANCHOR = "words"
"""The section's name in a link: ``#words`` leads there in Markdown and on the page."""
TITLE = "Words"
"""The section's heading; Markdown makes `ANCHOR` from it."""
WORDS: Sequence[tuple[str, str]] = (
    ("trial", "One configuration that is trained for some epochs."),
    ("FIFO", "The scheduler that trains every trial to the end; it is the baseline."),
    (
        "objective set",
        "The objectives that a run optimises together: acc+params is high validation accuracy "
        "and few parameters.",
    ),
    (
        "front",
        "The trials that no other trial dominates, that is, equals or beats in every objective and "
        "beats in one (the Pareto front).",
    ),
    (
        "reference point",
        "A fixed value per objective; only what is better than all of them counts.",
    ),
    (
        "hypervolume",
        "The size of the region between the front and the reference point: the larger, the better "
        "the front.",
    ),
    ("rung", "An epoch at which a scheduler compares trials and decides which go on."),
    (
        "seed",
        "The number that fixes the random choices of a run; more seeds give surer conclusions.",
    ),
    (
        "interquartile mean (IQM)",
        "The mean of the middle half of the runs, without the best and the worst quarter.",
    ),
    ("utilisation", "The share of the slots' time that is spent in training."),
)
"""Word → its explanation, in an order in which each uses only words before it."""
