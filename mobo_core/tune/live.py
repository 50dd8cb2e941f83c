"""The front of a search while it runs: a callback that logs its size and hypervolume."""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Iterable
from typing import Any, get_args

from ray.tune import Callback

from mobo_core.objectives import Objective, ObjectiveSet, as_objective_set
from mobo_core.results.candidates import Scope
from mobo_core.results.constraints import as_constraints
from mobo_core.results.growing import GrowingFront
from mobo_core.results.names import MissingNames
from mobo_core.results.volumes import volume_text


class LiveFront(Callback):
    """A callback that logs the front's size and hypervolume with every report.

    It adds the numbers ``front/size`` and ``front/hypervolume`` to each report before Tune's
    loggers receive it, so that TensorBoard, ``progress.csv`` and ``result.json`` show them. Put it
    first into ``RunConfig(callbacks=[LiveFront(objectives), ...])``: loggers that stand before it,
    such as those of W&B and MLflow, do not see the numbers. Schedulers and searchers see each
    report before the numbers are added.

    The numbers are those that `mobo_core.pareto_front` gives for the same reports: one that lacks
    an objective changes nothing, and a trial leaves the front if an objective in its last complete
    report is not a finite number, or if it fails. A restored experiment goes on with the trials
    that it had. If none of the first ten reports has an objective, or a constrained metric, a
    warning names it and similar names.

    Args:
        objectives: The objectives.
        scope: ``"last"`` counts the last report of each trial, so that the hypervolume can fall;
            ``"best"`` counts all reports, as in `mobo_core.pareto_front`.
        constraints: As in `mobo_core.pareto_front`. No trial is on the front before it has reported
            the metrics.
        print_every_s: The number of seconds after which a new line is printed, at the next report;
            also one is printed at the end. By default nothing is printed.
        prefix: The beginning of the numbers' names, before the ``/``.

    Raises:
        TypeError: If the objectives are not objectives.
        ValueError: If the scope is unknown, a constraint has another form, or the time is negative.

    Example:
        >>> from mobo_core import Objective
        >>> objectives = [Objective("loss", "min", reference=1), Objective("size", "min", 10)]
        >>> live = LiveFront(objectives)
        >>> live.add("trial-1", {"loss": 0.5, "size": 8})
        >>> live.add("trial-2", {"loss": 0.9, "size": 4})
        >>> live.add("trial-3", {"loss": 0.9, "size": None})
        >>> live.numbers()
        {'size': 2, 'hypervolume': 1.4}
    """

    def __init__(
        self,
        objectives: ObjectiveSet | Iterable[Objective],
        *,
        scope: Scope = "last",
        constraints: str | Iterable[str] = (),
        print_every_s: float | None = None,
        prefix: str = "front",
    ) -> None:
        if scope not in get_args(Scope):
            raise ValueError(f"scope must be one of {get_args(Scope)}, got {scope!r}")
        if print_every_s is not None and not print_every_s >= 0:
            raise ValueError(f"print_every_s must be None or at least 0, got {print_every_s!r}")
        wanted, bounds = as_objective_set(objectives), as_constraints(constraints)
        self._front = GrowingFront(wanted, scope=scope, constraints=bounds)
        self._missing = MissingNames(wanted, bounds)
        self._print_every_s = print_every_s
        self._prefix = prefix
        self._printed_at = -math.inf

    def add(self, trial_id: str, report: dict[str, Any]) -> None:
        """Add a report of a trial.

        Args:
            trial_id: The trial's id.
            report: The report.
        """
        self._front.add(trial_id, report)
        if problem := self._missing.add(report):
            warnings.warn(f"LiveFront shows no trial yet: {problem}", stacklevel=2)

    def numbers(self) -> dict[str, float]:
        """Return the present ``size`` and ``hypervolume`` of the front.

        The size is a number of trials. The hypervolume is NaN if no float can hold it.
        """
        return {"size": self._front.size, "hypervolume": self._front.hypervolume}

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Add the report, and add the front's numbers to it."""
        self.add(trial.trial_id, result)
        numbers = self.numbers()
        result.update({f"{self._prefix}/{name}": value for name, value in numbers.items()})
        if self._print_every_s is None:
            return
        now = time.monotonic()
        if now - self._printed_at >= self._print_every_s:
            self._printed_at = now
            self._print(numbers, len(trials))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Remove a trial that failed for good."""
        self._front.remove(trial.trial_id)

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Print the last line, if lines are printed."""
        if self._print_every_s is not None:
            self._print(self.numbers(), len(trials))

    def _print(self, numbers: dict[str, float], trials: int) -> None:
        sys.stdout.write(
            f"front: {numbers['size']} of {trials} trials, "
            f"hypervolume {volume_text(numbers['hypervolume'])}\n"
        )
        sys.stdout.flush()

    def get_state(self) -> dict[str, Any]:
        """Return what is known of the trials, which Tune saves with the experiment."""
        return {"trials": self._front.state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue with the trials of a saved experiment."""
        self._front.restore(state["trials"])
        self._missing.see(name for found in state["trials"].values() for name in found["latest"])
