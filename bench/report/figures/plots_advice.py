"""The printed figure of an advice: training saved and hypervolume kept by each scheduler."""

from __future__ import annotations

from matplotlib.figure import Figure

from bench.analysis.advice import Advice, Outcome
from bench.analysis.aggregate import BASELINE
from bench.formatting import percent
from bench.report.figures import plots_savings, savings_data
from bench.report.figures.drawing import plain_text, styles
from bench.report.figures.savings_data import FEW, Point

X_TITLE = "training saved, share of FIFO's →"


@plain_text
def savings(advice: Advice, title: str, subject: str) -> Figure:
    """Draw the training that each scheduler saves against the hypervolume that it keeps.

    Coloured are the recommended scheduler, the one for trials that cannot pause, and others that
    save most within the tolerance, but none that is not within it.

    Args:
        advice: What was found, with at least one scheduler.
        title: One sentence: what was found.
        subject: What was replayed.
    """
    ordered = sorted(advice.outcomes, key=lambda outcome: _order(outcome, advice))
    points = tuple(
        Point(
            outcome.scheduler,
            100 * outcome.steps_saved.value,
            100 * (1 - outcome.loss.value),
            (100 * outcome.steps_saved.low, 100 * outcome.steps_saved.high),
            (100 * (1 - outcome.loss.high), 100 * (1 - outcome.loss.low)),
            recommended=outcome is advice.recommended,
            highlighted=place < FEW and outcome.within(advice.tolerance),
        )
        for place, outcome in enumerate(ordered)
    )
    looks = styles([BASELINE, *(outcome.scheduler for outcome in advice.outcomes)])
    about = f"{subject} {_colours(advice)}"
    return plots_savings.draw(savings_data.arranged(points), looks, title, about, X_TITLE)


def _colours(advice: Advice) -> str:
    """Return a sentence that says which schedulers are in colour."""
    within = sum(outcome.within(advice.tolerance) for outcome in advice.outcomes)
    limit = f"at most {percent(advice.tolerance)} of the hypervolume"
    if within == 0:
        return f"None surely loses {limit}."
    if within <= FEW:
        return f"In colour: those that surely lose {limit}."
    return f"In colour: {FEW} of the {within} that surely lose {limit}."


def _order(outcome: Outcome, advice: Advice) -> tuple[bool, bool, bool, float]:
    """Return the key by which the schedulers are sorted, the most important first."""
    within = outcome.within(advice.tolerance)
    merit = outcome.steps_saved.value if within else -outcome.loss.value
    return (
        outcome is not advice.recommended,
        outcome is not advice.without_pauses,
        not within,
        -merit,
    )
