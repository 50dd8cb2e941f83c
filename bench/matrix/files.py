"""Matrix files: the matrices of the package by name, and TOML files of users, checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import UserError
from bench.matrix.costs import Costs
from bench.matrix.limits import DEFAULT_LIMITS, Limits
from bench.matrix.matrix import Budget, Component, Matrix
from mobo_core.seeding import digest

MATRICES = resources.files("bench") / "matrices"
"""The folder of the matrices that come with the package."""
LABEL_BYTES = 60
"""The longest label. Run ids are names of folders, which have 255 bytes at most."""
KINDS: Mapping[type, str] = {
    str: 'text in "quotation marks"',
    dict: "a table like { a = 1 }",
    list: 'a list like ["a"]',
}
"""Type of a value → what it is called in messages."""

Settings = TypeVar("Settings", Costs, Limits)


def matrix_names() -> list[str]:
    """Return the names of the matrices that come with the package."""
    return sorted(
        Path(entry.name).stem for entry in MATRICES.iterdir() if entry.name.endswith(".toml")
    )


def load_matrix(name_or_path: str) -> Matrix:
    """Return a matrix by its name, or read it from a TOML file.

    Raises:
        UserError: If there is no such matrix, or the file is not a matrix, with the place.
    """
    table = read_table(name_or_path, "matrix", matrix_names(), MATRICES)
    return _matrix_from_table(Path(name_or_path).stem, table, f"matrix file {name_or_path}")


def read_table(
    name_or_path: str, kind: str, names: Sequence[str], folder: Traversable
) -> dict[str, Any]:
    """Return the contents of a TOML file of the package, by its name, or of a user's.

    Args:
        name_or_path: The name, or the path of a file.
        kind: What the file holds, for messages.
        names: The names of the files that come with the package.
        folder: The folder in which they lie.

    Raises:
        UserError: If there is no such file, or it is not TOML, with the place.
    """
    path = Path(name_or_path)
    if name_or_path in names:
        text = (folder / f"{name_or_path}.toml").read_text("utf-8")
    elif path.suffix == ".toml":
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"cannot read {kind} file {name_or_path}: {error}; give the path of a text file "
                f"in UTF-8, or choose from {', '.join(names)}"
            ) from None
    elif path.suffix == ".py":
        raise UserError(
            f"{name_or_path} is a Python program, not a {kind}: start it with 'python "
            f"{name_or_path}', or choose from {', '.join(names)}"
        )
    else:
        raise UserError(
            f"unknown {kind} {name_or_path!r}: choose from {', '.join(names)} or give "
            "the path of a .toml file"
        )
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number or a nesting beyond Python's limits
        raise UserError(
            f"{kind} file {name_or_path}: {error}; mend that place: text stands in quotation "
            "marks, and a table begins with a line like [budget]"
        ) from None


def _matrix_from_table(name: str, table: dict[str, Any], where: str) -> Matrix:
    known = {"title", "problem", "dataset", "objective_sets", "budget", "searcher", "scheduler"}
    known |= {"virtual", "schedulers_of", "limits"}
    if unknown := sorted(set(table) - known):
        raise UserError(f"{where}: unknown key {unknown[0]!r}; known: {sorted(known)}")
    sets = typed(table, "objective_sets", list, where)
    if not sets or not all(isinstance(entry, str) for entry in sets):
        raise UserError(f"{where}: objective_sets must list names like 'acc+params', got {sets}")
    objective_sets = tuple(tuple(entry.split("+")) for entry in sets)
    repeated = [names for names in objective_sets if len(set(names)) < len(names)]
    if repeated or len(set(objective_sets)) < len(objective_sets):
        raise UserError(f"{where}: objective_sets repeats an objective or a set: {sets}")
    budget = typed(table, "budget", dict, where)
    if set(budget) - {"workers_per_trial"} != {"trials", "max_epochs", "slots"}:
        raise UserError(
            f"{where}: [budget] needs exactly trials, max_epochs and slots (and "
            f"optionally workers_per_trial), got {sorted(budget)}"
        )
    limits = _settings_of(Limits, table, "limits", where)
    return Matrix(
        name=name,
        title=typed(table, "title", str, where),
        problem=typed(table, "problem", str, where),
        dataset=typed(table, "dataset", str, where),
        searchers=components(table, "searcher", where),
        schedulers=_schedulers(table, where),
        objective_sets=objective_sets,
        budget=Budget(**budget),
        costs=_settings_of(Costs, table, "virtual", where),
        limits=limits or DEFAULT_LIMITS,
    )


def _settings_of(
    kind: type[Settings], table: Mapping[str, Any], key: str, where: str
) -> Settings | None:
    """Return the dataclass that the table `key` fills in, or None without that table."""
    if key not in table:
        return None
    given = typed(table, key, dict, where)
    known = [f.name for f in fields(kind)]
    if unknown := sorted(set(given) - set(known)):
        raise UserError(f"{where}: unknown key {unknown[0]!r} in [{key}]; known: {known}")
    try:
        return kind(**given)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _schedulers(table: Mapping[str, Any], where: str) -> tuple[Component, ...]:
    """Return the matrix's own schedulers, or those of another matrix."""
    if "schedulers_of" not in table:
        return components(table, "scheduler", where)
    if "scheduler" in table:
        raise UserError(f"{where}: give schedulers_of or [[scheduler]], not both")
    name = typed(table, "schedulers_of", str, where)
    if name not in matrix_names():
        raise UserError(
            f"{where}: schedulers_of must be one of {', '.join(matrix_names())}, got {name!r}"
        )
    return load_matrix(name).schedulers


def components(table: Mapping[str, Any], key: str, where: str) -> tuple[Component, ...]:
    """Return the searchers or schedulers of a file.

    Args:
        table: The file's contents.
        key: ``searcher`` or ``scheduler``.
        where: The file, for messages.

    Raises:
        UserError: If there is none, a label is used twice, or an entry is malformed.
    """
    found = []
    for entry in typed(table, key, list, where):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise UserError(f"{where}: every [[{key}]] needs a name, got {entry}")
        label = entry.get("label", entry["name"])
        if not isinstance(label, str) or not label.replace("-", "").isalnum():
            raise UserError(
                f"{where}: label {label!r} of a [[{key}]] must consist of letters, "
                "digits and hyphens"
            )
        if len(label.encode()) > LABEL_BYTES:
            raise UserError(
                f"{where}: label {label!r} of a [[{key}]] must have at most "
                f"{LABEL_BYTES} bytes, got {len(label.encode())}"
            )
        params = {k: v for k, v in entry.items() if k not in ("name", "label")}
        try:
            digest(params)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{where}: parameters of [[{key}]] {label!r} must be finite numbers, "
                f"text, or lists and tables of these ({error})"
            ) from None
        found.append(Component(label, entry["name"], params))
    labels = [component.label for component in found]
    if not found or len(set(labels)) < len(labels):
        raise UserError(f"{where}: needs at least one [[{key}]] and different labels, got {labels}")
    return tuple(found)


def typed(table: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    """Return the value of a key, which must be of a kind.

    Args:
        table: The table.
        key: The key.
        kind: A key of `KINDS`.
        where: The file, for messages.

    Raises:
        UserError: If the key is missing or its value is of another kind.
    """
    if key not in table:
        raise UserError(f"{where}: key {key!r} is missing; add it to the file")
    if not isinstance(table[key], kind):
        raise UserError(f"{where}: {key!r} must be {KINDS[kind]}, got {table[key]!r}")
    return table[key]
