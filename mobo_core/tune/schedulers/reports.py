"""How schedulers read the reports of trials, so that a bad one never ends the experiment.

* **A report without an objective or without its budget** (``time_attr``) is skipped, for example a
  last report of test metrics only: the trial trains on and no decision is made. A value of None
  counts as missing. A report at budget 0 is skipped too, because nothing has been spent. The first
  such report of each kind is said in a warning.
* **What is wrong for good** fails the trial that reports it, and no other: an objective or a budget
  that is not a number, a budget that is negative, NaN or infinite, and a trial of which no report
  can be used. That is noticed when the trial ends or reaches the full budget, or after its first 10
  reports. When three trials have failed so and no trial has sent a report that can be used, each
  further trial fails at its first report. A trial that reports nothing at all does not fail.
* **NaN and ±inf** as an objective are values; what they mean is up to the rule.
* **An array or tensor with one element** counts as a number, and so does a number as text.
* **A nested report** is read by paths: ``"val/loss"`` finds ``{"val": {"loss": 0.1}}``.

Ray's environment variable ``TUNE_DISABLE_STRICT_METRIC_CHECKING`` changes this: with ``1`` a report
that lacks a value is always skipped, and with ``0`` each one fails its trial.

A scheduler cannot raise an error about one trial in ``on_trial_result``: Tune would end the whole
experiment. It returns STOP instead, and raises the error when Tune then calls
``on_trial_complete``. Tune treats an error from there as the trial's own: it writes the error's
file and tells scheduler, searcher and callbacks that the trial has failed. Such a trial is not
retried, whatever ``FailureConfig.max_failures`` says: its next attempt would report the same.
"""

from __future__ import annotations

import difflib
import logging
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ray.tune import TuneError
from ray.tune.experiment import Trial
from ray.tune.result import (
    AUTO_RESULT_KEYS,
    DEBUG_METRICS,
    DONE,
    EXPERIMENT_TAG,
    SHOULD_CHECKPOINT,
)

from mobo_core.objectives import ObjectiveSet, Points, as_number, reported
from mobo_core.rules.rule import Decision

logger = logging.getLogger(__name__)

FIRST_REPORTS = 10
"""The number of first reports of a trial of which at least one must have all objectives."""
HOPELESS = 3
"""The number of trials without a usable report after which no other trial is expected to have one.
"""
CHECKING = "TUNE_DISABLE_STRICT_METRIC_CHECKING"
"""Ray's environment variable for reports without a metric."""
OF_TUNE = frozenset({*AUTO_RESULT_KEYS, *DEBUG_METRICS, DONE, EXPERIMENT_TAG, SHOULD_CHECKPOINT})
"""The keys that Tune adds to a report, besides the configuration."""


class ReportError(TuneError, ValueError):
    """An error: a trial reports something that is wrong for good. Only this trial fails."""


@dataclass(frozen=True)
class Report:
    """A report that a rule can use.

    Args:
        t: The budget that the trial has spent, > 0 and finite.
        point: (m,) the objectives, minimised; NaN and ±inf are possible.
    """

    t: float
    point: Points


class ReportReader:
    """The reader of all reports of an experiment; the module's text explains what it does.

    Args:
        objectives: The objectives that a report must have.
        time_attr: The key in a report that holds the budget spent so far; None if there is none,
            which gives all reports the budget NaN.
        max_t: The full budget, or inf if it is unknown.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> objectives = ObjectiveSet([Objective("loss", "min", reference=1.0)])
        >>> reader = ReportReader(objectives, "epoch")
        >>> reader.read("a", {"loss": 0.5, "epoch": 1})
        Report(t=1, point=array([0.5]))
        >>> reader.read("a", {"loss": None, "epoch": 2}), reader.skipped
        (<Decision.CONTINUE: 'continue'>, 1)
    """

    def __init__(
        self, objectives: ObjectiveSet, time_attr: str | None, max_t: float = math.inf
    ) -> None:
        self._objectives = objectives
        self._time_attr = time_attr
        self._max_t = max_t
        self._skipped = 0
        self._skips: Counter[str] = Counter()  # by trial, since it has started
        self._usable: set[str] = set()
        self._failing: dict[str, ReportError] = {}
        self._retries: dict[str, int] = {}  # `max_failures` of trials that may not be retried
        self._fruitless: set[str] = set()  # trials that failed because no report was usable
        self._said: set[str] = set()

    @property
    def skipped(self) -> int:
        """The number of reports that were skipped."""
        return self._skipped

    def start(self, trial_id: str) -> None:
        """Note that a trial starts, or starts again after a failure or a restore."""
        self._failing.pop(trial_id, None)
        self._skips.pop(trial_id, None)
        self._fruitless.discard(trial_id)

    def read(self, trial_id: str, result: Mapping[str, Any]) -> Report | Decision:
        """Return a report, or the decision about its trial if the report cannot be used.

        Args:
            trial_id: The id of the trial that reports.
            result: The report, flat or nested.

        Returns:
            The report; or CONTINUE if it is skipped, COMPLETE if it is skipped and the trial has
            spent its full budget, and STOP if the trial fails.
        """
        try:
            t, missing = self._time(trial_id, result), self._missing(result)
            if not missing and t != 0:
                report = Report(t, self._point(trial_id, result))
                self._usable.add(trial_id)
                return report
            return self._skip(trial_id, result, t, missing)
        except ReportError as error:
            return self._fail(trial_id, error)

    def _fail(self, trial_id: str, error: ReportError) -> Decision:
        """Return STOP, and let the trial fail with this error when Tune ends it."""
        self._failing[trial_id] = error
        return Decision.STOP

    def started_over(self, trial_id: str, t: float, resumed_at: float) -> Decision:
        """Return STOP, and let a resumed trial fail that has not continued where it was.

        Args:
            trial_id: The id of the trial.
            t: The budget in its report.
            resumed_at: The budget at which it was resumed, ≥ t.
        """
        error = ReportError(
            f"trial {trial_id} was resumed at {self._time_attr}={resumed_at} and reports "
            f"{self._time_attr}={t}: the trainable must load its checkpoint (load_checkpoint, or "
            f"tune.get_checkpoint) and continue from there, and {self._time_attr!r} must be its "
            "own counter"
        )
        return self._fail(trial_id, error)

    def end(self, trial: Trial, result: Mapping[str, Any]) -> Report | None:
        """Return what `last` returns; Tune does not retry a trial that fails here.

        Its next attempt would report the same. Call `ended` in ``on_trial_error``, which Tune calls
        next.

        Args:
            trial: The trial that has ended.
            result: Its last report, which may have been read before.

        Raises:
            ReportError: If the trial fails.
        """
        try:
            return self.last(trial.trial_id, result)
        except ReportError:
            self._retries[trial.trial_id] = trial.max_failures
            trial.max_failures = 0
            raise

    def ended(self, trial: Trial) -> None:
        """Allow a trial that has failed its retries again, for the case that it is restored."""
        if trial.trial_id in self._retries:
            trial.max_failures = self._retries.pop(trial.trial_id)

    def last(self, trial_id: str, result: Mapping[str, Any]) -> Report | None:
        """Return a trial's last report, or None if it cannot be used but others could.

        Call it once when Tune ends the trial, and let the error pass: Tune then lets the trial
        fail.

        Args:
            trial_id: The id of the trial that has ended.
            result: Its last report, which may have been read before.

        Raises:
            ReportError: If the trial fails.
        """
        if (error := self._failing.pop(trial_id, None)) is not None:
            raise error
        t, missing = self._time(trial_id, result), self._missing(result)
        if not missing and t != 0:
            return Report(t, self._point(trial_id, result))
        silent = trial_id not in self._skips and not _own_keys(result)
        if not (trial_id in self._usable or silent or _checking() == "off"):
            self._fruitless.add(trial_id)
            raise ReportError(
                f"trial {trial_id} has ended and never reported {self._lacking(missing)}: "
                f"{self._remedy(result, missing)}"
            )
        return None

    def _missing(self, result: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the keys without a value: objectives, and `time_attr`."""
        missing = self._objectives.missing(result)
        if self._time_attr is not None and reported(result, self._time_attr) is None:
            return (*missing, self._time_attr)
        return missing

    def _time(self, trial_id: str, result: Mapping[str, Any]) -> float:
        """Return a report's budget; NaN if it has none."""
        value = None if self._time_attr is None else reported(result, self._time_attr)
        if value is None:
            return math.nan
        try:
            number = math.nan if isinstance(value, bool) else as_number(value)
        except (TypeError, ValueError):
            number = math.nan
        if math.isfinite(number) and number >= 0:
            return int(number) if number.is_integer() else number
        raise ReportError(
            f"trial {trial_id} reports {self._time_attr}={value!r}: the budget spent so far must "
            "be a finite number, not negative; report the number of epochs done, for example"
        )

    def _point(self, trial_id: str, result: Mapping[str, Any]) -> Points:
        try:
            return self._objectives.to_point(result)
        except ValueError as error:
            raise ReportError(
                f"trial {trial_id}: {error}; report one number, or leave it out where there is none"
            ) from None

    def _skip(
        self, trial_id: str, result: Mapping[str, Any], t: float, missing: Sequence[str]
    ) -> Decision:
        self._skipped += 1
        self._skips[trial_id] += 1
        lacking, remedy = self._lacking(missing), self._remedy(result, missing)
        checking = _checking()
        if checking == "strict":
            raise ReportError(f"trial {trial_id} has not reported {lacking}: {remedy}")
        if lacking not in self._said:
            self._said.add(lacking)
            logger.warning(
                "trial %s has not reported %s. Such reports are skipped: the trial trains on and "
                "no decision is made. This is said once. To avoid it: %s",
                trial_id,
                lacking,
                remedy,
            )
        spent = t >= self._max_t
        if trial_id not in self._usable and checking == "default":
            count = self._skips[trial_id]
            hopeless = not self._usable and len(self._fruitless) >= HOPELESS
            if spent or count >= FIRST_REPORTS or hopeless:
                self._fruitless.add(trial_id)
                raise ReportError(
                    f"trial {trial_id} has never reported {lacking} (reports: {count}): {remedy}"
                )
        return Decision.COMPLETE if spent else Decision.CONTINUE

    def _lacking(self, missing: Sequence[str]) -> str:
        """Return what a report lacks, in words; without missing keys its budget is 0."""
        if not missing:
            return f"a value of {self._time_attr!r} above 0"
        return " and ".join(
            f"time_attr {name!r}" if name == self._time_attr else f"objective {name!r}"
            for name in missing
        )

    def _remedy(self, result: Mapping[str, Any], missing: Sequence[str]) -> str:
        """Return what to do, with those reported keys that look like the missing ones."""
        if not missing:
            return f"{self._time_attr!r} must hold the budget spent so far, 1 after the first epoch"
        keys = [key for key in _own_keys(result) if key not in missing]  # those may be None
        similar = [name for key in missing for name in difflib.get_close_matches(key, keys, 1)]
        hint = f" (is it {', '.join(map(repr, similar))}?)" if similar else ""
        return (
            f"pass it to tune.report in every report{hint}; reported keys: {', '.join(keys)}. "
            f"With {CHECKING}=1 reports may lack it always, with 0 never"
        )


def _own_keys(result: Mapping[str, Any]) -> list[str]:
    """Return the keys of a report that Tune has not added, sorted."""
    keys = (str(key) for key in result if key not in OF_TUNE)
    return sorted(key for key in keys if not key.startswith("config/"))


def _checking() -> Literal["default", "strict", "off"]:
    """Return how strictly reports without a metric are treated."""
    value = os.environ.get(CHECKING)
    if value is None:
        return "default"
    return "off" if value.strip() == "1" else "strict"
