"""The trials of an Ax experiment, in the users' names and values."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from ax.adapter.registry import Generators
from ax.api.client import Client
from ax.core.observation import ObservationFeatures
from ax.exceptions.core import SearchSpaceExhausted

from mobo_core.tune.compat import experiment_of, node_of
from mobo_core.tune.reading import OtherSearchError
from mobo_core.tune.searchers.ax_names import FALLBACK, Failed
from mobo_core.tune.searchers.ax_reports import Report
from mobo_core.tune.searchers.ax_space import AxSpace
from mobo_core.tune.searchers.repeats import new_configuration
from mobo_core.tune.space import TuneSpace

AX_FALLBACK = "Fallback_Sobol"
"""What Ax calls the Sobol points that take the model's place inside the model's own node."""

FEW = 0.05
"""The share of a finite space below which the model has nothing left to choose from."""


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

    def key(self, parameters: Mapping[str, Any]) -> Hashable:
        """Return what identifies the configuration of Ax's parameterisation."""
        values = self.decode(parameters)
        # A client's derived parameter has a value that its choice of one value does not show.
        single = [p for p in self.space.space.parameters if p.cardinality == 1 and p.name in values]
        return self.space.space.key({**values, **{p.name: p.at(0) for p in single}})

    def check_points(self, points: Sequence[Mapping[str, Any]]) -> None:
        """Refuse complete configurations that break a parameter constraint."""
        for number, values in enumerate(points):
            if broken := self._broken(values):
                raise ValueError(f"points_to_evaluate[{number}] breaks {broken}, got {values}")

    def check_known(self, values: Mapping[str, Any]) -> None:
        """Refuse the configuration of a known result that breaks a parameter constraint.

        Raises:
            OtherSearchError: If it does.
        """
        if broken := self._broken(values):
            raise OtherSearchError(f"it breaks {broken}")

    def _broken(self, values: Mapping[str, Any]) -> str | None:
        """Return which constraint a configuration breaks, which need not be complete."""
        for constraint in self.coding.constraints:
            if set(constraint.weights) <= set(values) and not constraint.holds(values):
                return f"the parameter constraint {constraint.text!r}"
        return None


@dataclass(frozen=True)
class AxTrials:
    """What a searcher does with the trials of an Ax client.

    Args:
        client: The client, with a configured experiment and optimisation.
        code: The translation of configurations.
        seed: The seed of Sobol points that take the place of other suggestions.
        failed: What happens to the configuration of a failed trial.
        repeats: Whether Ax may suggest a configuration twice, as a user's own client may wish.
    """

    client: Client
    code: AxCode
    seed: int
    failed: Failed
    repeats: bool = False

    def configuration(self, index: int) -> dict[str, Any]:
        """Return the nested configuration of a trial, as the trainable gets it."""
        return self.code.space.configuration(self.code.decode(self._parameters(index)))

    def node(self, index: int) -> str:
        """Return the name of the generation node that made a trial, or ``fallback``."""
        trial = experiment_of(self.client).trials[index]
        runs = trial.generator_runs
        if not runs or trial.generation_method_str == AX_FALLBACK:
            return FALLBACK
        return node_of(runs[0]) or FALLBACK

    def generate(self) -> int:
        """Start a trial of Ax's next configuration, or of another one if Ax repeats itself.

        Raises:
            SearchSpaceExhausted: If there is no further configuration.
            ValueError: If Ax's configuration breaks a parameter constraint.
            Exception: What Ax raises if it makes no configuration.
        """
        with one_torch_thread():
            ((index, _),) = self.client.get_next_trials(max_trials=1).items()
        parameters = self._parameters(index)
        if not self.code.allows(parameters):
            self.fail(index, "it breaks a parameter constraint")
            raise ValueError("its suggestion breaks a parameter constraint")
        if self.repeats or self.code.key(parameters) not in self._known(without=index):
            return index
        # Failed, whatever `failed` says: an abandoned point would be pending for the model.
        self.client.mark_trial_failed(index, failed_reason="it repeats another trial")
        return self.attach_new()

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
        if fixed is None and self.code.key(parameters) in self._known():
            return self.attach_new()
        return self.client.attach_trial(parameters)  # type: ignore[arg-type]

    def attach_new(self) -> int:
        """Start a trial of a random configuration that has no trial yet.

        Raises:
            SearchSpaceExhausted: If there is no further configuration.
        """
        experiment = experiment_of(self.client)
        space, known = self.code.space.space, self._known()
        rng = np.random.default_rng([self.seed, len(experiment.trials)])

        def allows(values: Mapping[str, Any]) -> bool:
            return self._has(self.code.encode(values))

        values = new_configuration(space, known, lambda: rng.random(len(space)), allows)
        if values is None:
            raise SearchSpaceExhausted("every configuration of the space has a trial")
        return self.client.attach_trial(self.code.encode(values))

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

    @property
    def remaining(self) -> float:
        """The number of configurations without a trial that Ax counts, or an upper bound of it."""
        # Ax would find out only after drawing ten thousand configurations, for half a minute.
        whole = self._cardinality
        return whole if math.isinf(whole) else whole - len(self._known())

    @property
    def are_few_left(self) -> bool:
        """Whether so few configurations remain that a model would mostly repeat itself."""
        whole = self._cardinality
        few = max(1, FEW * whole)
        return not self.repeats and math.isfinite(whole) and self.remaining <= few

    @cached_property
    def _cardinality(self) -> float:
        return self.code.coding.cardinality()

    def _known(self, without: int | None = None) -> set[Hashable]:
        """Return the keys of the configurations that have a trial, except a failed one.

        Args:
            without: The number of a trial that is left out.
        """
        return {
            self.code.key(arm.parameters)
            for index, trial in experiment_of(self.client).trials.items()
            for arm in trial.arms
            if index != without and not trial.status.is_failed and self._has(arm.parameters)
        }

    def _has(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether the space has a configuration, which keeps all constraints then."""
        # Ax checks the constraints of a user's client, too.
        space = experiment_of(self.client).search_space
        return bool(space.check_membership(parameters)) and self.code.allows(parameters)

    def _status(self, index: int) -> Any:
        return experiment_of(self.client).trials[index].status

    def _parameters(self, index: int) -> dict[str, Any]:
        return dict(experiment_of(self.client).trials[index].arm.parameters)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Limit PyTorch to one thread: several times faster for small models, and reproducible."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
