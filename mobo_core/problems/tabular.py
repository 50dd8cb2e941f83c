"""A problem of recorded curves on a grid of configurations: it looks up instead of training.

A table is a Parquet file with a row per configuration, training seed and epoch. A card in its
metadata (`TableCard`) says what was recorded, how, and with which objectives. The search space is
the grid, so every look-up is exact.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mobo_core.objectives import Objective, is_finite_number
from mobo_core.problems.curve import CurveTraining
from mobo_core.space import ChoiceParameter, SearchSpace

SEED, EPOCH, SECONDS = "seed", "epoch", "seconds"
TABLES = Path(__file__).with_name("tables")
"""The folder of the tables that come with the package."""
CARD = b"mobo"
"""The card's key in the file's metadata."""


@dataclass(frozen=True)
class TableCard:
    """The description of a table's contents.

    Args:
        name: The recorded problem's name, e.g. ``mlp-mnist``.
        space: Parameter → its values, in the grid's order.
        seeds: The training seeds that were recorded.
        max_epochs: The number of epochs of each curve.
        startup_s: The median number of seconds that it took to build a training.
        objectives: Short name → the fields of its `Objective`.
        made: How the table was made: command, commit, versions, machine, checksum of the data.
    """

    name: str
    space: dict[str, list[Any]]
    seeds: list[int]
    max_epochs: int
    startup_s: float
    objectives: dict[str, dict[str, Any]]
    made: dict[str, Any]

    def to_json(self) -> str:
        """Return the card as JSON text, with the parameters in order."""
        return json.dumps(asdict(self), indent=1, allow_nan=False)

    def to_metadata(self) -> dict[bytes, bytes]:
        """Return the metadata for the Parquet schema."""
        return {CARD: self.to_json().encode()}


@dataclass(frozen=True)
class _Table:
    card: TableCard
    checksum: str
    index: dict[tuple[Any, ...], int]
    """(the values in the space's order, the seed) → the curve's position."""
    columns: dict[str, NDArray[Any]]
    """Metric → its (curves, epochs) values."""


@dataclass(frozen=True)
class TabularProblem:
    """A problem whose trainings are looked up in a table.

    Args:
        path: The table's path.
        epochs: The full budget of a trial; None takes the number of recorded epochs.

    Raises:
        ValueError: On first use, if the file is no table, is incomplete, or has fewer epochs.

    Example:
        >>> from mobo_core.problems.tabular import TabularProblem, embedded_table
        >>> problem = TabularProblem(str(embedded_table("mlp-mnist")))
        >>> problem.name
        'mlp-mnist-table'
        >>> list(problem.objectives)
        ['acc', 'loss', 'params', 'flops']
    """

    path: str
    epochs: int | None = None

    @property
    def _table(self) -> _Table:
        return _load(self.path)

    @property
    def card(self) -> TableCard:
        """The table's card."""
        return self._table.card

    @property
    def max_epochs(self) -> int:
        """The full budget of a trial, in epochs."""
        recorded = self.card.max_epochs
        if self.epochs is not None and not 1 <= self.epochs <= recorded:
            raise ValueError(f"{self.path} has {recorded} epochs a curve, not {self.epochs}")
        return self.epochs or recorded

    @property
    def name(self) -> str:
        """The recorded problem's name with ``-table`` appended."""
        return f"{self.card.name}-table"

    @property
    def space(self) -> SearchSpace:
        """The grid, as a search space of choices; those of numbers are ordered."""
        return SearchSpace(
            tuple(
                ChoiceParameter(
                    name, tuple(values), len(values) > 1 and all(map(is_finite_number, values))
                )
                for name, values in self.card.space.items()
            )
        )

    @property
    def objectives(self) -> Mapping[str, Objective]:
        """The recorded problem's objectives."""
        return {name: Objective(**fields) for name, fields in self.card.objectives.items()}

    def data_checksum(self) -> str:
        """Return the SHA-256 of the table's file."""
        return self._table.checksum

    def entries(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield the configuration and the training seed of every recorded curve."""
        for *values, seed in self._table.index:
            yield dict(zip(self.card.space, values, strict=True)), seed

    def start(self, config: Mapping[str, Any], seed: int) -> CurveTraining:
        """Return a training along a configuration's recorded curve.

        Seeds beyond the recorded ones start again at the first recorded seed.

        Raises:
            ValueError: If the configuration is not on the grid.
        """
        card = self.card
        recorded = card.seeds[seed % len(card.seeds)]
        key = (*(config.get(name) for name in card.space), recorded)
        if key not in self._table.index:
            raise ValueError(f"{dict(config)} is not on the grid of {self.path}")
        position, columns = self._table.index[key], self._table.columns
        rows = zip(*(values[position].tolist() for values in columns.values()), strict=True)
        return CurveTraining([dict(zip(columns, row, strict=True)) for row in rows])


def embedded_table(name: str) -> Path:
    """Return the path of a table that comes with the package, e.g. ``mlp-mnist``.

    Raises:
        ValueError: If there is no table of this name.
    """
    if not (path := TABLES / f"{name}.parquet").is_file():
        known = sorted(table.stem for table in TABLES.glob("*.parquet"))
        raise ValueError(f"no table {name!r}: choose from {', '.join(known)}")
    return path


@lru_cache(maxsize=16)
def _load(path: str) -> _Table:
    try:
        raw = Path(path).read_bytes()
        table = pq.read_table(pa.BufferReader(raw))
        card = TableCard(**json.loads(table.schema.metadata[CARD]))
    except (OSError, pa.ArrowInvalid, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no table of recorded curves: {error!r}") from error
    names = [*card.space, SEED]
    table = table.sort_by([(name, "ascending") for name in (*names, EPOCH)])
    curves = int(np.prod([len(values) for values in card.space.values()])) * len(card.seeds)
    if len(table) != curves * card.max_epochs:
        raise ValueError(
            f"{path} has {len(table)} rows, not {curves} curves of {card.max_epochs} epochs"
        )
    keys = zip(*(table[name][:: card.max_epochs].to_pylist() for name in names), strict=True)
    columns = {
        name: table[name].to_numpy().reshape(curves, card.max_epochs)
        for name in table.column_names
        if name not in names
    }
    return _Table(
        card=card,
        checksum=hashlib.sha256(raw).hexdigest(),
        index={key: position for position, key in enumerate(keys)},
        columns=columns,
    )
