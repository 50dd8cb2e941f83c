"""What all runs of one table must share: objectives, search space, problem, data and budget.

Hypervolumes of different reference points, or searches in different spaces, cannot be compared. A
record keeps what its run optimised and where it searched, so that a mix is found and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from typing import Any

from bench.errors import UserError
from bench.records import plain
from bench.records.record import RunRecord
from mobo_core.objectives import Objective
from mobo_core.space import Parameter, SearchSpace

Definition = Mapping[str, Any]
"""Aspect, for example ``objective 'val_loss'`` or ``search space`` → its value, plain."""
SPACE = "search space"
"""The aspect that holds the parameters: name → their attributes."""


def of_space(space: SearchSpace) -> dict[str, dict[str, Any]]:
    """Return name of each parameter → its attributes, without those that have their default."""
    return {parameter.name: _parameter(parameter) for parameter in space.parameters}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    attributes = {"kind": type(parameter).__name__.removesuffix("Parameter").lower()}
    for field in fields(parameter):
        given = getattr(parameter, field.name)
        if field.name != "name" and (field.default is MISSING or given != field.default):
            attributes[field.name] = plain.value(given)
    return attributes


def of_objectives(objectives: Mapping[str, Objective]) -> dict[str, Any]:
    """Return the aspects of the objectives of one run, given by their short names, in order."""
    names = [objective.name for objective in objectives.values()]
    return {
        f"meaning of {'+'.join(objectives)}": " and ".join(names),
        **{f"objective {o.name!r}": plain.value(asdict(o)) for o in objectives.values()},
    }


def of_record(record: RunRecord) -> dict[str, Any]:
    """Return the definition of a run, as far as its record has it; older records have no space."""
    aspects = of_objectives(dict(zip(record.spec["objectives"], record.objectives, strict=False)))
    if record.space is not None:
        aspects[SPACE] = record.space
    for key in ("problem", "dataset", "budget"):
        if key in record.spec:
            aspects[key] = record.spec[key]
    aspects["data checksum"] = record.data["sha256"]
    aspects["backend"] = "virtual time" if "virtual" in record.spec else "real time"
    return aspects


def check(records: Iterable[RunRecord]) -> None:
    """Check that runs can stand in one table.

    Raises:
        UserError: If they cannot; the message names two runs, and what differs.
    """
    first: dict[str, tuple[str, Any]] = {}
    for record in records:
        for aspect, here in of_record(record).items():
            run_id, there = first.setdefault(aspect, (record.run_id, here))
            if unlike := difference(there, here):
                raise UserError(
                    f"{run_id} and {record.run_id} cannot stand in one table: they have another "
                    f"{aspect} ({unlike}); move the runs of one kind into a folder of their own"
                )


def check_fit(theirs: Definition, ours: Definition, whose: str) -> None:
    """Check that runs of our definition may join runs of theirs.

    Args:
        theirs: The definition of recorded runs.
        ours: The definition of the runs to be made.
        whose: What theirs are, for the message.

    Raises:
        UserError: If an aspect that both have differs.
    """
    for aspect in theirs:
        if aspect in ours and (unlike := difference(theirs[aspect], ours[aspect])):
            raise UserError(
                f"{whose} another {aspect} ({unlike}), so the results could not be compared; "
                "choose another folder with --results, or move those runs away"
            )


def difference(theirs: Any, ours: Any, path: Sequence[str] = ()) -> str:
    """Return the first difference of two plain values, in words; empty if they are equal.

    Args:
        theirs: A plain value.
        ours: Another one.
        path: The keys on the way to the values.
    """
    if theirs == ours:
        return ""
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        for key in (*theirs, *(key for key in ours if key not in theirs)):
            if found := difference(theirs.get(key), ours.get(key), (*path, str(key))):
                return found
        return ""
    return f"{' '.join((*path, ''))}{_word(theirs)} instead of {_word(ours)}"


def _word(value: Any) -> str:
    return "nothing" if value is None else repr(value)
