"""What a searcher starts with: configurations to try first, and results that are known already."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ray.tune import ExperimentAnalysis, ResultGrid

from mobo_core.objectives import as_number, reported
from mobo_core.results.reading import read_trials
from mobo_core.space import ChoiceParameter
from mobo_core.tune.reading import OtherSearchError
from mobo_core.tune.space import TuneSpace

logger = logging.getLogger(__name__)

SHOWN = 3
"""The number of different problems with known results that a warning shows."""

Pair = tuple[Mapping[str, Any], Mapping[str, Any] | None]
"""A configuration and what it reported last; None instead of metrics means that it failed."""


class Frame(Protocol):
    """A pandas DataFrame, as far as it is used here."""

    @property
    def columns(self) -> Any:
        """The names of the columns."""
        ...

    def to_dict(self, orient: Any) -> Any:
        """Return the rows as dicts with ``orient="records"``."""
        ...


Known = Iterable[Any] | Frame | ResultGrid | ExperimentAnalysis | str | os.PathLike[str]
"""Known results: pairs, or anything that `mobo_core.results.reading.read_trials` reads."""


@dataclass(frozen=True)
class KnownResult:
    """A configuration that was evaluated before the search.

    Args:
        values: Flat name → value of every parameter that exists in it.
        metrics: What it reported last; None if it failed.
    """

    values: dict[str, Any]
    metrics: dict[str, Any] | None


@dataclass(frozen=True)
class Start:
    """What a searcher starts with, checked against its space.

    Args:
        points: Configurations to suggest first, as flat values; parameters may be missing.
        known: The results that are known already.
    """

    points: tuple[dict[str, Any], ...] = ()
    known: tuple[KnownResult, ...] = ()


def read_start(
    space: TuneSpace,
    points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
    known_results: Known | None = None,
    metrics: Sequence[str] = (),
    check: Callable[[KnownResult], None] = lambda known: None,
) -> Start:
    """Return what a searcher starts with.

    Args:
        space: The searcher's space.
        points_to_evaluate: Configurations to suggest first, nested or with flat names. A parameter
            that is missing gets a value from the searcher.
        known_results: Pairs of a configuration and its last report, or a finished search as
            `read_trials` reads it: a ResultGrid, a DataFrame, the folder of an experiment. A trial
            has failed if its report is None, or lacks a finite value of a metric.
        metrics: The names of the metrics that a report must have.
        check: A function that raises a ValueError for a known result that the searcher cannot use.

    Raises:
        ValueError: If a point does not fit the space, no known result can be used, or all known
            results lack a metric. If a known result has only another constant or breaks a
            constraint, it is just left out, since it comes from another search.

    Example:
        >>> from ray import tune
        >>> from mobo_core.tune.space import tune_space
        >>> space = tune_space({"x": tune.uniform(0, 1), "y": tune.choice([None, "a"])})
        >>> known = [({"x": 0.1, "y": None}, {"loss": 3})]
        >>> start = read_start(space, [{"x": 0.5}], known, ["loss"])
        >>> start.points
        ({'x': 0.5},)
        >>> start.known
        (KnownResult(values={'x': 0.1, 'y': None}, metrics={'loss': 3}),)
    """
    points = _points(space, points_to_evaluate)
    if known_results is None:
        return Start(points)
    return Start(points, _known(space, known_results, metrics, check))


def _points(
    space: TuneSpace, given: Sequence[Mapping[str, Any]] | None
) -> tuple[dict[str, Any], ...]:
    if given is None:
        return ()
    if not isinstance(given, Sequence) or not all(isinstance(point, Mapping) for point in given):
        raise ValueError(f"points_to_evaluate must be a list of configurations, got {given!r}")
    points = []
    for number, point in enumerate(given):
        try:
            points.append(space.values(point))
        except ValueError as error:
            raise ValueError(f"points_to_evaluate[{number}]: {error}") from error
    return tuple(points)


def _known(
    space: TuneSpace,
    given: Known,
    metrics: Sequence[str],
    check: Callable[[KnownResult], None],
) -> tuple[KnownResult, ...]:
    pairs = list(_pairs(space, given, metrics))
    _check_metrics([last for _, last in pairs if last], metrics)
    known, problems, failed = [], list[_Problem](), list[_Problem]()
    for number, (config, last) in enumerate(pairs):
        try:
            values = space.values(config, complete=True, ignore_unknown=True)
            lacking = _lacking(last, metrics) if last else None
            result = KnownResult(values, None if not last or lacking else dict(last))
            check(result)
        except ValueError as error:
            problems.append(_Problem(number, error))
            continue
        known.append(result)
        if lacking:
            failed.append(_Problem(number, ValueError(lacking)))
    # Another constant or constraint than before makes no mistake of an older search.
    if problems and not known and not any(p.is_other_search for p in problems):
        raise ValueError(
            f"none of {len(pairs)} known results can be used; the first says: {problems[0]}"
        )
    _warn("cannot be used and are left out", problems, len(pairs))
    _warn("count as failed", failed, len(pairs))
    return tuple(known)


class _Problem(NamedTuple):
    """Why a known result cannot be used as it is."""

    number: int
    error: ValueError

    def __str__(self) -> str:
        return f"known_results[{self.number}]: {self.error}"

    @property
    def is_other_search(self) -> bool:
        return isinstance(self.error, OtherSearchError)


def _warn(what: str, problems: Sequence[_Problem], total: int) -> None:
    """Give one warning for all problems, with the first ones of different texts."""
    if not problems:
        return
    texts: dict[str, _Problem] = {}
    for problem in problems:
        texts.setdefault(str(problem.error), problem)
    shown = "; ".join(str(problem) for problem in list(texts.values())[:SHOWN])
    logger.warning("%d of %d known results %s: %s", len(problems), total, what, shown)


def _check_metrics(reports: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Refuse reports that all lack a metric: its name is wrong, and all would count as failed."""
    for name in names:
        if reports and all(reported(report, name) is None for report in reports):
            there = sorted({str(key) for report in reports for key in report})
            raise ValueError(
                f"metric {name!r} is in none of {len(reports)} known results; they report "
                f"{', '.join(there)}"
            )


def _lacking(last: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """Return which metric has no finite value in a report."""
    for name in names:
        value = reported(last, name)
        if not _is_finite(value):
            reason = "is missing" if value is None else f"must be a finite number, got {value!r}"
            return f"metric {name!r} {reason}"
    return None


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(as_number(value))
    except (TypeError, ValueError):  # also for None, where there is no value
        return False


def _pairs(space: TuneSpace, given: Known, metrics: Sequence[str]) -> Iterator[Pair]:
    """Yield configurations and last reports of known results in any form.

    Raises:
        ValueError: If they have no such form.
    """
    given = list(given) if isinstance(given, Iterator) else given
    if isinstance(given, Sequence) and given != "" and all(map(_is_pair, given)):
        yield from (tuple(pair) for pair in given)
        return
    try:
        trials = read_trials(given)
    except TypeError as error:
        raise ValueError(f"known_results must be pairs (configuration, metrics); or {error}") from (
            error
        )
    optional = _optional(space, getattr(given, "columns", ()))
    for trial in trials:
        yield {**optional, **trial.config}, None if trial.failed else _last(trial.reports, metrics)


def _is_pair(given: Any) -> bool:
    if not isinstance(given, Sequence) or len(given) != 2:
        return False
    config, metrics = given
    return isinstance(config, Mapping) and (metrics is None or isinstance(metrics, Mapping))


def _last(reports: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Mapping[str, Any] | None:
    """Return the last report with all metrics; without one the last of all, or None."""
    report: Mapping[str, Any]
    for report in reversed(reports):
        if all(reported(report, name) is not None for name in names):
            return report
    return reports[-1] if reports else None


def _optional(space: TuneSpace, columns: Any) -> dict[str, None]:
    """Return the choices of a table that may be None, which it shows as an empty cell."""
    named = {str(column).removeprefix("config/") for column in columns}
    return {
        parameter.name: None
        for parameter in space.space.parameters
        if parameter.name in named
        and isinstance(parameter, ChoiceParameter)
        and any(value is None for value in parameter.values)
    }
