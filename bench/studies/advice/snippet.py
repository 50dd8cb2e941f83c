"""The lines of Python that use a scheduler in a program with Ray Tune."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.curves.tune_experiments import OWN, SECONDS
from bench.formatting import steps
from bench.matrix.matrix import Component
from bench.studies.advice.plan import Plan
from bench.studies.advice.trials import Trials
from mobo_core.objectives import Objective

OF_TUNE = "training_iteration"
"""Tune's own counter of reports."""
WIDTH = 100
"""The longest line of a program, in characters, unless an objective's name is very long."""


@dataclass(frozen=True)
class _Call:
    """The construction of a scheduler.

    Args:
        name: The class in `mobo_core.tune`.
        settings: The parameters of the catalogue's factory that the class has too → their defaults
            in the catalogue.
        inner: The class of Ray or of `mobo_core.tune` that it wraps; empty if it wraps none.
        wrapped: The parameters of the wrapped class, as in `settings`.
        of_ray: Whether the wrapped class is Ray's.
        full: Whether the wrapped class, or else the class itself, takes ``max_t``.
    """

    name: str
    settings: Mapping[str, Any]
    inner: str = ""
    wrapped: Mapping[str, Any] | None = None
    of_ray: bool = True
    full: bool = True

    @property
    def scales(self) -> bool:
        """Whether its rungs are multiples of a grace period, so that any counter may count them."""
        return "grace_period" in {**self.settings, **(self.wrapped or {})}


@dataclass(frozen=True)
class _Counter:
    """What a program counts a trial's progress by.

    Args:
        time_attr: The key in a report.
        unit: The number of its steps in one unit of the replays.
        comment: What the trainable must report for that; empty if the old one did it already.
    """

    time_attr: str
    unit: int
    comment: str = ""


HALVING = {
    "grace_period": 1,
    "reduction_factor": 3,
    "brackets": 1,
    "ranking": "pareto_epsnet",
    "quota": "floor",
}
PAPER = {"grace_period": 1, "reduction_factor": 6}
PROJECTING = {"grace_period": 1, "margin": 0.008}
SCALAR = {"random_weights": False, "kind": "chebyshev"}
CALLS: Mapping[str, _Call] = {
    "hv-promotion": _Call("HypervolumePromotion", PROJECTING),
    "projected-stopping": _Call("ProjectedStopping", PROJECTING),
    "moasha-promotion": _Call("PromotionMOASHA", HALVING),
    "moasha-stopping": _Call("StoppingMOASHA", HALVING),
    "paper-dominance": _Call("PaperDominance", PAPER),
    "paper-rungwise": _Call("PaperRungwise", PAPER),
    "asha": _Call(
        "ScalarizedScheduler",
        SCALAR,
        "AsyncHyperBandScheduler",
        {"grace_period": 1, "reduction_factor": 3, "brackets": 1},
    ),
    "hyperband": _Call(
        "ScalarizedScheduler", SCALAR, "HyperBand", {"reduction_factor": 2}, of_ray=False
    ),
    "median": _Call(
        "ScalarizedScheduler",
        SCALAR,
        "MedianStoppingRule",
        {"grace_period": 1, "min_samples_required": 3},
        full=False,
    ),
}
"""Scheduler of the catalogue → how a program constructs it."""
RENAMED = {"kind": "scalarization"}
"""Parameter of a class → its name in the catalogue, where the two differ."""


def program(trials: Trials, plan: Plan, component: Component, pauses: bool) -> str:
    """Return a program that uses a scheduler with the user's objectives and budget.

    The names ``trainable`` and ``space`` in it are the user's own: two comments at its top stand
    for them. The program goes on with the counter of the curves if a trainable may report it, and
    says so if they were not reported to Tune. Otherwise it counts reports, and says how much
    training one report must be.

    Args:
        trials: The trials that the scheduler was replayed on.
        plan: How they were replayed.
        component: The scheduler, with its parameters.
        pauses: Whether it pauses trials.

    Returns:
        The program; one comment for a scheduler of another package, which knows how to make it.
    """
    call = CALLS.get(component.name)
    if call is None:
        return f"# {component.label} is a part of another package, which says how to make it.\n"
    counter = _counter(trials, call)
    searcher = ["SobolSearcher"] if pauses else []
    wrapped = [call.inner] if call.inner and not call.of_ray else []
    from_tune = ", ".join(sorted([call.name, *wrapped, *searcher]))
    lines = [
        *_placeholders(trials),
        "from ray import tune",
        *([f"from ray.tune.schedulers import {call.inner}"] if call.inner and call.of_ray else []),
        "from mobo_core import Objective, ObjectiveSet",
        f"from mobo_core.tune import {from_tune}",
        "",
        "objectives = ObjectiveSet([",
        *(f"    {_objective(objective)}," for objective in trials.objectives),
        "])",
        *([f"# {counter.comment}"] if counter.comment else []),
        *_scheduler(call, component, trials.max_t, counter),
        *_search(plan.trials or len(trials), pauses, plan.slots),
        "results = tune.Tuner(trainable, param_space=space, tune_config=config).fit()",
    ]
    return "\n".join(lines) + "\n"


def _counter(trials: Trials, call: _Call) -> _Counter:
    """Return the source's own counter if a program can go on with it, and else Tune's counter.

    Tune sets some keys of each report itself, so no trainable can count by these.
    """
    source, whole = trials.found, float(trials.unit).is_integer()
    free = source.in_tune or source.time_attr not in (*OWN, SECONDS)
    if free and not trials.shift and whole and (trials.unit == 1 or call.scales):
        name, unit = source.time_attr, int(trials.unit)
        comment = (
            f"Each report must have {_text(name)}, counted as in the curves: "
            f"{trials.max_t * unit} is the full budget."
        )
        return _Counter(name, unit, "" if source.in_tune else comment)
    each = steps(trials.unit, source.time_attr)
    return _Counter(
        OF_TUNE, 1, f"One report must be {each} of the curves: the scheduler counts reports."
    )


def _placeholders(trials: Trials) -> list[str]:
    """Return the comments that a user replaces by the import of the own training and search."""
    metrics = ", ".join(objective.name for objective in trials.objectives)
    settings = ", ".join(sorted({name for trial in trials.members for name in trial.config}))
    return [
        "# Replace these two lines by your own imports or definitions:",
        _short(
            "# trainable = … # the function or class that trains a configuration and reports",
            metrics,
            "the objectives",
        ),
        _short("# space = … # the search space: a dictionary of", settings, "hyper-parameters"),
        "",
    ]


def _short(text: str, names: str, otherwise: str) -> str:
    """Return a line that ends with names, or with another word where they are too long or none."""
    line = " ".join(f"{text} {names}".split())  # a line break would end the comment
    return line if names and len(line) <= WIDTH else f"{text} {otherwise}"


def _search(trials: int, pauses: bool, slots: int) -> list[str]:
    """Return the lines that make the configuration of Tune."""
    if pauses:
        return [
            "# The trainable saves a checkpoint with each report and continues from it.",
            "config = tune.TuneConfig(",
            f"    num_samples={trials}, search_alg=SobolSearcher(seed=0), scheduler=scheduler,",
            "    reuse_actors=True,  # a class trainable needs reset_config for this",
            ")",
        ]
    return [
        "config = tune.TuneConfig(",
        f"    num_samples={trials}, scheduler=scheduler, max_concurrent_trials={slots}",
        ")",
    ]


def _scheduler(call: _Call, component: Component, max_t: int, counter: _Counter) -> list[str]:
    """Return the lines that make a scheduler; parameters with usual values are left out."""
    full = [f"max_t={max_t * counter.unit}"] if call.full else []
    shared = [*full, f"time_attr={_text(counter.time_attr)}"]
    mine = _settings(call.settings, component, counter, () if call.inner else ("grace_period",))
    if not call.inner:
        return _made("scheduler", call.name, ["objectives", *shared, *mine])
    inner = _settings(call.wrapped or {}, component, counter, always=tuple(call.wrapped or ()))
    return [
        *_made("inner", call.inner, [*shared, *inner]),
        *_made("scheduler", call.name, ["inner", "objectives", *mine]),
    ]


def _made(name: str, what: str, arguments: list[str]) -> list[str]:
    """Return the lines of a construction: one, three, or a line for each argument."""
    whole = f"{name} = {what}({', '.join(arguments)})"
    if len(whole) <= WIDTH:
        return [whole]
    inside = f"    {', '.join(arguments)}"
    lines = [inside] if len(inside) <= WIDTH else [f"    {each}," for each in arguments]
    return [f"{name} = {what}(", *lines, ")"]


def _settings(
    known: Mapping[str, Any], component: Component, counter: _Counter, always: tuple[str, ...]
) -> list[str]:
    """Return the arguments that differ from the catalogue's defaults, and those always shown."""
    found = []
    for name, default in known.items():
        value = component.params.get(RENAMED.get(name, name), default)
        if value != default or name in always:
            value = value * counter.unit if name == "grace_period" else value
            found.append(f"{name}={_text(value) if isinstance(value, str) else value}")
    return found


def _objective(objective: Objective) -> str:
    """Return the text of an objective's construction."""
    parts = [_text(objective.name), _text(objective.goal)]
    parts.append(f"reference={_number(objective.reference)}")
    if objective.ideal is not None:
        parts.append(f"ideal={_number(objective.ideal)}")
    if objective.exact:
        parts.append("exact=True")
    return f"Objective({', '.join(parts)})"


def _text(value: str) -> str:
    """Return a text as Python writes it, in double quotes."""
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """Return a number as short as it can be without a change of its value."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):_}" if abs(value) >= 10_000 else str(int(value))
    return repr(value)
