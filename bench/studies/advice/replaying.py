"""Replay trials through every scheduler in virtual time, in many random orders."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from bench.errors import UserError
from bench.execution.parallel import in_processes
from bench.matrix import catalogue
from bench.studies.advice.plan import AT_ONCE, Job, Plan
from bench.studies.advice.trials import Trials
from bench.studies.replays import replayed
from mobo_core.pareto.dominance import front_mask
from mobo_core.pareto.indicators import hypervolume
from mobo_core.space import ChoiceParameter, SearchSpace

FEW_REPORTS = 60_000
"""The number of reports, over all replays, up to which starting processes would take longer."""


def replay_all(
    trials: Trials, plan: Plan, progress: Callable[[int], None] = lambda done: None
) -> pd.DataFrame:
    """Return what each scheduler made of each order.

    Args:
        trials: The trials.
        plan: How they are replayed.
        progress: It is called with the number of replays that have just ended.

    Returns:
        A row per order and scheduler, sorted: ``order``; ``scheduler``, its label; ``pauses``,
        whether it pauses trials; ``steps``, ``training_s`` and ``runtime_s``, the units trained,
        the seconds of all training and the seconds from the first start to the last end;
        ``hypervolume`` of the trials' last reports; ``resumes``; ``front_lost``, how many distinct
        points of FIFO's front were ended early; ``refused``, why a scheduler cannot be used, empty
        for all others.

    Raises:
        UserError: If there are fewer trials than an order needs, or no trial is inside of the
            reference point.
    """
    if plan.trials is not None and plan.trials > len(trials):
        raise UserError(
            f"--trials {plan.trials} is more than the {len(trials)} trials that can be replayed"
        )
    _check_reference(trials)
    rows: list[dict[str, object]] = []
    jobs = plan.jobs()
    reports = sum(len(trial.steps) for trial in trials.members)
    share = 1.0 if plan.trials is None else plan.trials / len(trials)
    if plan.processes == 1 or reports * share * len(jobs) * AT_ONCE <= FEW_REPORTS:
        for job in jobs:
            rows += replay(job, trials, plan)
            progress(len(job.schedulers))
    else:
        with contextlib.closing(
            in_processes(replay, jobs, (trials, plan), min(plan.processes, len(jobs)))
        ) as ended:
            for job, made in ended:
                rows += made
                progress(len(job.schedulers))
    labels = [c.label for job in jobs if job.order == 0 for c in job.schedulers]
    table = pd.DataFrame(rows)
    table["scheduler"] = pd.Categorical(table["scheduler"], labels, ordered=True)
    table = table.sort_values(["order", "scheduler"], ignore_index=True)
    return table.assign(scheduler=table["scheduler"].astype(str))


def _check_reference(trials: Trials) -> None:
    """Refuse references that no trial beats at its end: nothing could be lost.

    Raises:
        UserError: The message names the best value of each objective.
    """
    everyone = range(len(trials))
    ends = trials.points(everyone, [len(trials.members[i].steps) for i in everyone])
    if hypervolume(ends, trials.objectives.reference_point) > 0:
        return
    finite = np.where(np.isfinite(ends), ends, np.inf)
    best = trials.objectives.to_metrics(finite.min(axis=0))
    values = ", ".join(
        f"{name} {value:.4g}" for name, value in zip(trials.objectives.names, best, strict=True)
    )
    raise UserError(
        "no trial ends better than all references, so there is no hypervolume to lose; give "
        f"references that some trials beat together: the best values are {values}"
    )


def replay(job: Job, trials: Trials, plan: Plan) -> list[dict[str, object]]:
    """Return the rows of `replay_all` for one job."""
    picked = np.random.default_rng(job.order).permutation(len(trials))[: plan.trials].tolist()
    lengths = [len(trials.members[index].steps) for index in picked]
    ends = trials.points(picked, lengths)
    reference = trials.objectives.reference_point
    front = front_mask(ends, reference)
    space = _space([trials.members[index].config for index in picked])
    context = catalogue.Context(
        space, trials.objectives, trials.max_t, plan.slots, job.order, len(picked)
    )
    curves = trials.curves(picked)
    rows = []
    for component in job.schedulers:
        row: dict[str, object] = {"order": job.order, "scheduler": component.label}
        try:
            scheduler = catalogue.make_scheduler(component, context)
        except UserError as error:
            rows.append({**row, "refused": str(error)})
            continue
        run = replayed(curves, scheduler, plan.slots)
        reached = [trial.iteration for trial in run.trials]
        steps = [trials.members[i].steps[n - 1] for i, n in zip(picked, reached, strict=True) if n]
        lost = front & (np.asarray(reached) < lengths)
        rows.append(
            {
                **row,
                "pauses": catalogue.pauses(scheduler),
                "steps": int(np.sum(steps)),
                "training_s": run.training_s,
                "runtime_s": run.seconds,
                "hypervolume": hypervolume(trials.points(picked, reached), reference),
                "resumes": run.restores,
                "front_lost": len(np.unique(ends[lost], axis=0)),
                "refused": "",
            }
        )
    return rows


def _space(configs: Sequence[object]) -> SearchSpace:
    """Return a space of the values that the trials have; their first one where there are none."""
    values: dict[str, dict[str, object]] = {}
    for config in configs:
        assert isinstance(config, dict)
        for name, value in config.items():
            values.setdefault(name, {})[repr(value)] = value
    parameters = [ChoiceParameter(name, tuple(found.values())) for name, found in values.items()]
    return SearchSpace(tuple(parameters or [ChoiceParameter("none", (None,))]))
