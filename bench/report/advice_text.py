"""The answer of ``mobo-bench advise`` as text, Markdown and JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd

from bench.analysis.advice import Advice, Outcome
from bench.analysis.statistics import Estimate
from bench.formatting import count, duration, markdown, markdown_table, percent, steps

FIGURE = "savings.png"
SCOPE = (
    "This is about these curves only: new orders of the same trials are not new trials, and the "
    "intervals cover the order alone. Another search space, budget or search may differ."
)


def lines(advice: Advice) -> list[str]:
    """Return the answer in five lines, the recommendation in the second."""
    return [
        _what(advice),
        _recommendation(advice),
        _alternative(advice),
        _incomplete(advice),
        SCOPE,
    ]


def notes(advice: Advice) -> list[str]:
    """Return sentences on how the curves were read, and on schedulers that cannot be used."""
    found = [f"{count(n, 'trial')} left out: {why}." for why, n in advice.setting.left_out.items()]
    if unusable := advice.setting.orders - advice.orders:
        found.append(
            f"{count(unusable, 'order')} left out: no trial in it ends better than all references, "
            "so that nothing could be lost."
        )
    found += [f"{note[0].upper()}{note[1:]}." for note in advice.setting.notes]
    if not advice.setting.timed:
        found.append("The source has no times: one step takes as long as any other.")
    by_reason: dict[str, list[str]] = {}
    for name, why in advice.refused.items():
        by_reason.setdefault(why.partition(": ")[2] or why, []).append(name)
    found += [f"Not replayed: {', '.join(names)}: {why}." for why, names in by_reason.items()]
    return found


def table(advice: Advice) -> pd.DataFrame:
    """Return a row per scheduler, the one that saves most first."""
    ordered = sorted(advice.outcomes, key=lambda outcome: -outcome.steps_saved.value)
    time = ["time saved"] if advice.setting.timed else []
    return pd.DataFrame(
        [
            {
                "scheduler": outcome.scheduler,
                "trials": "pause" if outcome.pauses else "stop",
                "training saved": _interval(outcome.steps_saved),
                **{heading: _interval(outcome.runtime_saved) for heading in time},
                "hypervolume lost": _interval(outcome.loss),
                "worst order": percent(_positive_zero(outcome.worst)),
                "front lost": f"{outcome.front_lost:.1f}",
                "qualifies": _verdict(outcome, advice.tolerance),
            }
            for outcome in ordered
        ]
    )


def _verdict(outcome: Outcome, tolerance: float) -> str:
    """Return whether a scheduler qualifies, as in the table; a dash without intervals."""
    if not outcome.known:
        return "–"
    return "yes" if outcome.qualifies(tolerance) else "no"


def legend(advice: Advice) -> str:
    """Return the sentences that explain the table of the schedulers."""
    return (
        "Means over the orders with 95 % bootstrap intervals, as shares of FIFO's, which trains "
        "every trial to the end of its curve. Front lost: points of FIFO's front that were ended "
        "early. Qualifies: the upper end of the interval of the hypervolume lost is at most "
        f"{percent(advice.tolerance)}, and the lower end of that of the training saved is above 0."
    )


def to_markdown(advice: Advice, program: str | None) -> str:
    """Return the whole answer in Markdown, with the figure and the program.

    Args:
        advice: The answer.
        program: The program that uses the recommended scheduler; None without one.
    """
    parts = [f"# Advice for {markdown(advice.setting.name)}", ""]
    for line in lines(advice):
        parts += [markdown(line), ""]
    if advice.outcomes:
        parts += _schedulers(advice)
    if program is not None:
        parts += ["## The code", "", "```python", program.rstrip(), "```", ""]
    if found := notes(advice):
        parts += ["## How the curves were read", ""]
        parts += [f"- {markdown(note)}" for note in found]
    return "\n".join([*parts, ""])


def _schedulers(advice: Advice) -> list[str]:
    """Return the lines with the figure and the table."""
    return [
        f"![training saved and hypervolume kept by each scheduler]({FIGURE})",
        "",
        "## All schedulers",
        "",
        markdown_table(table(advice)),
        "",
        markdown(legend(advice)),
        "",
    ]


def to_json(advice: Advice, program: str | None) -> str:
    """Return the whole answer as JSON; shares lie between 0 and 1, and NaN is null.

    Args:
        advice: The answer.
        program: The program that uses the recommended scheduler; None without one.
    """
    setting = advice.setting
    answer = {
        "source": {
            "kind": setting.kind,
            "name": setting.name,
            "trials": setting.trials,
            "incomplete": setting.incomplete,
            "left_out": dict(setting.left_out),
            "time_attr": setting.time_attr,
            "unit": setting.unit,
            "max_t": setting.max_t,
            "reports": setting.reports,
            "timed": setting.timed,
            "notes": list(setting.notes),
        },
        "objectives": [
            {
                "name": objective.name,
                "goal": objective.goal,
                "reference": objective.reference,
                "ideal": objective.ideal,
                "exact": objective.exact,
            }
            for objective in setting.objectives
        ],
        "orders": setting.orders,
        "usable_orders": advice.orders,
        "trials_per_order": setting.per_order,
        "slots": setting.slots,
        "tolerance": advice.tolerance,
        "recommended": advice.recommended.scheduler if advice.recommended else None,
        "without_pauses": advice.without_pauses.scheduler if advice.without_pauses else None,
        "too_few": advice.too_few or None,
        "answer": lines(advice),
        "fifo": {"steps": advice.fifo_steps, "runtime_s": _seconds(advice)},
        "schedulers": [_as_dict(outcome, advice) for outcome in advice.outcomes],
        "not_replayed": dict(advice.refused),
        "program": program,
    }
    return json.dumps(_without_nan(answer), indent=1, ensure_ascii=False, allow_nan=False)


def _what(advice: Advice) -> str:
    setting = advice.setting
    each = "" if setting.per_order == setting.trials else f", {setting.per_order} in each"
    if advice.orders < setting.orders:
        each += f", of which {advice.orders} can be used,"
    return (
        f"{count(setting.trials, 'trial')} of {setting.name} ({setting.kind}), up to "
        f"{_budget(advice)}, replayed in {count(setting.orders, 'random order')}{each} on "
        f"{count(setting.slots, 'slot')}, in virtual time."
    )


def _budget(advice: Advice) -> str:
    setting = advice.setting
    whole = steps(setting.max_t * setting.unit, setting.time_attr)
    return whole if setting.unit == 1 else f"{whole}, counted by {setting.unit:.10g}"


def _recommendation(advice: Advice) -> str:
    limit = percent(advice.tolerance)
    if advice.too_few:
        return f"No recommendation: {advice.too_few}."
    best = advice.recommended
    if best is not None:
        return f"Take {best.scheduler}: it would have {_figures(best, advice)}."
    if not advice.outcomes:
        return "No recommendation: no scheduler could be replayed."
    closest = min(
        (outcome for outcome in advice.outcomes if outcome.saves),
        key=lambda outcome: outcome.loss.high,
        default=None,
    )
    if closest is None:
        return "No scheduler saves anything on these curves: train every trial to the end (FIFO)."
    return (
        f"No scheduler that saves training surely loses at most {limit} of FIFO's hypervolume: "
        "train every trial to the end (FIFO), or accept more with --tolerance. Closest is "
        f"{closest.scheduler}: it would have {_figures(closest, advice)}."
    )


def _figures(outcome: Outcome, advice: Advice) -> str:
    trained = advice.fifo_steps * advice.setting.unit
    left = trained * (1 - outcome.steps_saved.value)
    saved = (
        f"saved {_interval(outcome.steps_saved)} of the training ({round(left)} instead of "
        f"{steps(round(trained), advice.setting.time_attr)})"
    )
    if advice.setting.timed:
        whole = advice.fifo_runtime_s
        taken = duration(whole * (1 - outcome.runtime_saved.value))
        saved += (
            f" and {_interval(outcome.runtime_saved)} of the time ({taken} instead of "
            f"{duration(whole)})"
        )
    verb = "gained" if outcome.loss.value < 0 else "lost"
    loss = outcome.loss
    if verb == "gained":
        loss = Estimate(-loss.value, -loss.high, -loss.low)
    return (
        f"{saved}, and {verb} {_interval(loss)} of the hypervolume (worst order: "
        f"{percent(_positive_zero(outcome.worst))} lost)"
    )


def _alternative(advice: Advice) -> str:
    best, other = advice.recommended, advice.without_pauses
    if not advice.outcomes:
        return "So there is nothing to compare with FIFO, which trains every trial to the end."
    if best is None:
        return "See the table for what each scheduler would have saved and lost."
    if not best.pauses:
        return f"{best.scheduler} never pauses a trial, so trials need no checkpoints."
    if other is None:
        return (
            f"{best.scheduler} pauses trials, which takes checkpoints; no scheduler that saves "
            "training and never pauses a trial surely loses at most "
            f"{percent(advice.tolerance)}."
        )
    return (
        f"{best.scheduler} pauses trials, which takes checkpoints. Without them take "
        f"{other.scheduler}, which would have {_figures(other, advice)}."
    )


def _incomplete(advice: Advice) -> str:
    setting = advice.setting
    if not setting.incomplete:
        return "All curves are complete, so FIFO's result is known."
    cut = (
        "curves ends before the full budget and is used as far as it goes"
        if setting.incomplete == 1
        else "curves end before the full budget and are used as far as they go"
    )
    return (
        f"{setting.incomplete} of {setting.trials} {cut}, by FIFO too. FIFO would have trained on, "
        "so the real savings are probably larger; what would have come of it is unknown, so the "
        "real loss may be larger too."
    )


def _interval(estimate: Estimate) -> str:
    value = percent(_positive_zero(estimate.value))
    if math.isnan(estimate.low):
        return value
    low, high = (_positive_zero(end) for end in (estimate.low, estimate.high))
    return f"{value} [{100 * low:.1f}, {100 * high:.1f}]"


def _positive_zero(share: float) -> float:
    """Return a share that is not shown as −0.0 %."""
    return 0.0 if abs(share) < 5e-4 else share


def _seconds(advice: Advice) -> float | None:
    return advice.fifo_runtime_s if advice.setting.timed else None


def _as_dict(outcome: Outcome, advice: Advice) -> dict[str, Any]:
    def ends(estimate: Estimate) -> dict[str, float]:
        return {"value": estimate.value, "low": estimate.low, "high": estimate.high}

    return {
        "scheduler": outcome.scheduler,
        "pauses": outcome.pauses,
        "training_saved": ends(outcome.steps_saved),
        "time_saved": ends(outcome.runtime_saved) if advice.setting.timed else None,
        "hypervolume_lost": ends(outcome.loss),
        "worst_order": outcome.worst,
        "front_lost": outcome.front_lost,
        "resumes": outcome.resumes,
        "within_tolerance": outcome.within(advice.tolerance) if outcome.known else None,
        "qualifies": outcome.qualifies(advice.tolerance) if outcome.known else None,
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
