"""The trials of an Ax experiment, in the users' names and values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ax.adapter.registry import Generators
from ax.api.client import Client
from ax.core.observation import ObservationFeatures

from mobo_core.tune.compat import experiment_of, node_of
from mobo_core.tune.searchers.ax_names import Failed
from mobo_core.tune.searchers.ax_reports import Report
from mobo_core.tune.searchers.ax_space import AxSpace
from mobo_core.tune.space import TuneSpace


@dataclass(frozen=True)
class AxCode:
    """The translation between the configurations of trials and Ax's parameterisations.

    Args:
        space: The search space, with the form of its configurations.
        coding: The same space as Ax has it.
        decodes: Whether Ax's values have to be translated: not for a user's own client.
    """

    space: TuneSpace
    coding: AxSpace
    decodes: bool = True

    @property
    def names(self) -> Mapping[str, str]:
        """The name in Ax of each parameter that is called differently there."""
        return self.coding.names

    def encode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return Ax's parameterisation of a flat configuration, which may be partial."""
        return self.coding.encode(values)

    def decode(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the flat configuration of Ax's parameterisation."""
        return self.coding.decode(parameters) if self.decodes else dict(parameters)

    def allows(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether Ax's parameterisation keeps the parameter constraints."""
        return not self.coding.constraints or self.coding.allows(self.decode(parameters))

    def is_complete(self, values: Mapping[str, Any]) -> bool:
        """Return whether a flat configuration has every parameter that exists in it."""
        return all(p.name in values for p in self.space.space.active(values))

    def check_points(self, points: Sequence[Mapping[str, Any]]) -> None:
        """Refuse complete configurations that break a parameter constraint."""
        for number, values in enumerate(points):
            for constraint in self.coding.constraints:
                if set(constraint.weights) <= set(values) and not constraint.holds(values):
                    raise ValueError(
                        f"points_to_evaluate[{number}] breaks the parameter constraint "
                        f"{constraint.text!r}, got {values}"
                    )


@dataclass(frozen=True)
class AxTrials:
    """What a searcher does with the trials of an Ax client.

    Args:
        client: The client, with a configured experiment and optimisation.
        code: The translation of configurations.
        seed: The seed of Sobol points that take the place of other suggestions.
        failed: What happens to the configuration of a failed trial.
        cardinality: The number of configurations in the space, or an upper bound of it.
    """

    client: Client
    code: AxCode
    seed: int
    failed: Failed
    cardinality: float

    def configuration(self, index: int) -> dict[str, Any]:
        """Return the nested configuration of a trial, as the trainable gets it."""
        return self.code.space.configuration(self.code.decode(self._parameters(index)))

    def is_allowed(self, index: int) -> bool:
        """Return whether a trial's configuration keeps the parameter constraints."""
        return self.code.allows(self._parameters(index))

    def node(self, index: int) -> str | None:
        """Return the name of the generation node that made a trial, or None."""
        runs = experiment_of(self.client).trials[index].generator_runs
        return (node_of(runs[0]) if runs else None) or None

    def attach(self, values: Mapping[str, Any]) -> int:
        """Start a trial of a flat configuration; Sobol values take the places of missing ones."""
        if not self.code.is_complete(values):
            return self.attach_sobol(values)
        return self.client.attach_trial(self.code.encode(values))

    def attach_sobol(self, values: Mapping[str, Any] | None = None) -> int:
        """Start a trial of a quasi-random configuration.

        Args:
            values: Flat values that are fixed.

        Raises:
            SearchSpaceExhausted: If there is no further configuration.
        """
        experiment = experiment_of(self.client)
        generator = Generators.SOBOL(experiment=experiment, seed=self.seed + len(experiment.trials))
        fixed = ObservationFeatures(parameters=self.code.encode(values)) if values else None
        parameters = dict(generator.gen(1, fixed_features=fixed).arms[0].parameters)
        return self.client.attach_trial(parameters)  # type: ignore[arg-type]

    def show(self, index: int, report: Report) -> None:
        """Pass on a report of a running trial, with its budget."""
        if report.is_finite and not self._status(index).is_terminal:
            self.client.attach_data(index, report.data, report.progression)  # type: ignore[arg-type]

    def end(self, index: int, report: Report, *, full: bool, shows_budget: bool) -> int:
        """Tell Ax that a trial ended with data; return the number under which Ax has it.

        A trial that had ended without complete data before, and was resumed, becomes a new trial of
        the same configuration. A completed trial stays as it is.

        Args:
            index: The trial's number.
            report: Its last report, which is finite.
            full: Whether the trial is complete.
            shows_budget: Whether the model has the budget as an input.
        """
        if self._status(index).is_completed:
            return index
        if self._status(index).is_terminal:
            index = self.client.attach_trial(self._parameters(index))
        # With a progression Ax models the budget as an input, which only one mode is for.
        progression: Any = report.progression if shows_budget else None
        if full:
            self.client.complete_trial(index, report.data, progression)
        else:
            self.client.attach_data(index, report.data, progression)
            self.client.mark_trial_early_stopped(index)
        return index

    def fail(self, index: int, reason: str) -> None:
        """Tell Ax that a trial ended without data, unless it had ended before."""
        if self._status(index).is_terminal:
            return
        # Ax suggests the configuration of a failed trial again, but not that of an abandoned one.
        if self.failed == "avoid":
            self.client.mark_trial_abandoned(index)
        else:
            self.client.mark_trial_failed(index, failed_reason=reason)

    def are_running(self) -> bool:
        """Return whether a trial is running."""
        return any(t.status.is_running for t in experiment_of(self.client).trials.values())

    def is_spent(self) -> bool:
        """Return whether every configuration of the space has a trial that Ax counts."""
        # Ax would find out only after drawing ten thousand configurations, for half a minute.
        if math.isinf(self.cardinality):
            return False
        known = {
            arm.signature
            for trial in experiment_of(self.client).trials.values()
            for arm in trial.arms
            if not trial.status.is_failed and self.code.allows(arm.parameters)
        }
        return len(known) >= self.cardinality

    def _status(self, index: int) -> Any:
        return experiment_of(self.client).trials[index].status

    def _parameters(self, index: int) -> dict[str, Any]:
        return dict(experiment_of(self.client).trials[index].arm.parameters)
