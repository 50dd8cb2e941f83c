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
    qualify and save most, but none that does not qualify, and none at all if the data are too few
    for a recommendation. These few have the first and most distinct styles.

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
            highlighted=place < FEW and _may_be_taken(outcome, advice),
        )
        for place, outcome in enumerate(ordered)
    )
    looks = styles([BASELINE, *(outcome.scheduler for outcome in ordered)])
    about = f"{subject} {_colours(advice)}"
    return plots_savings.draw(savings_data.arranged(points), looks, title, about, X_TITLE)


def _colours(advice: Advice) -> str:
    """Return a sentence that says which schedulers are in colour."""
    if advice.too_few:
        return "None is in colour, as none can be recommended."
    good = sum(_may_be_taken(outcome, advice) for outcome in advice.outcomes)
    what = f"training and surely lose at most {percent(advice.tolerance)} of the hypervolume"
    if good == 0:
        return f"None is in colour: none would save {what}."
    if good <= FEW:
        return f"In colour: those that save {what}."
    return f"In colour: {FEW} of the {good} that save {what}."


def _may_be_taken(outcome: Outcome, advice: Advice) -> bool:
    return not advice.too_few and outcome.qualifies(advice.tolerance)


def _order(outcome: Outcome, advice: Advice) -> tuple[bool, bool, bool, float]:
    """Return the key by which the schedulers are sorted, the most important first."""
    good = _may_be_taken(outcome, advice)
    merit = outcome.steps_saved.value if good else -outcome.loss.value
    return (
        outcome is not advice.recommended,
        outcome is not advice.without_pauses,
        not good,
        -merit,
    )
