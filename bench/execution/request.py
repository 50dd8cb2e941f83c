"""What a user asks for: which runs, on which backend, within which limits, written where.

Nothing heavy is imported here, so that the command line can build a request quickly.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from bench.errors import UserError
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Matrix, parse_seeds


@dataclass(frozen=True)
class RunChoice:
    """Which runs of which matrix are asked for. None keeps what the matrix says.

    Args:
        matrix_name: A matrix of the package, or the path of a ``.toml`` file.
        dataset: Name of the data set, or ``auto``.
        data_dir: Folder with the data.
        seeds: A number of seeds (``6``) or a list of them (``0,3,7``).
        trials: Trials per run.
        max_epochs: Full budget of a trial, in epochs.
        slots: Number of trials that train at the same time.
        workers_per_trial: Number of processes that train one trial together.
        only: Patterns of cells; empty selects all cells.
    """

    matrix_name: str
    dataset: str | None = None
    data_dir: str = "data"
    seeds: str = "1"
    trials: int | None = None
    max_epochs: int | None = None
    slots: int | None = None
    workers_per_trial: int | None = None
    only: tuple[str, ...] = ()

    @property
    def data_folder(self) -> str:
        """The data folder as an absolute path: training processes have another working folder."""
        return str(Path(self.data_dir).resolve())

    def seed_list(self) -> list[int]:
        """Return the seeds.

        Raises:
            UserError: If the text names no seeds.
        """
        return parse_seeds(self.seeds)

    def load(self) -> Matrix:
        """Return the matrix with the budget that is asked for.

        Raises:
            UserError: If there is no such matrix, or it or the budget is not valid.
        """
        return load_matrix(self.matrix_name).with_budget(
            trials=self.trials,
            max_epochs=self.max_epochs,
            slots=self.slots,
            workers_per_trial=self.workers_per_trial,
        )


@dataclass(frozen=True)
class BackendChoice:
    """The backend, and the resources that a trial takes on it.

    Args:
        backend: None chooses virtual time for a matrix with a table ``[virtual]``, else Ray.
        processes: Number of runs in virtual time that are made at the same time; None is all cores.
        address: Address of a Ray cluster to join; None starts a local Ray.
        cpus_per_trial: Cores of each worker of a trial.
        gpus_per_trial: GPUs, or a fraction of one, of each worker of a trial.
    """

    backend: Literal["ray", "virtual"] | None = None
    processes: int | None = None
    address: str | None = None
    cpus_per_trial: float = 1
    gpus_per_trial: float = 0

    def virtual(self, chosen: Matrix) -> bool:
        """Return whether the matrix is to be run in virtual time.

        Raises:
            UserError: If an option of the other backend is given.
        """
        virtual = self.backend == "virtual" or (self.backend is None and chosen.costs is not None)
        if virtual and (self.address or self.cpus_per_trial != 1 or self.gpus_per_trial):
            raise UserError(
                "--address, --cpus-per-trial and --gpus-per-trial are for Ray; in virtual time "
                "--slots is the number of simulated workers"
            )
        if not virtual and self.processes is not None:
            raise UserError(
                "--processes is for virtual time; on Ray --slots is what runs at a time"
            )
        return virtual


@dataclass(frozen=True)
class LimitChoice:
    """Limits that take the place of the matrix's; None keeps the matrix's.

    Args:
        epoch_s: See `bench.matrix.limits.Limits`.
        failed_share: See `bench.matrix.limits.Limits`.
    """

    epoch_s: float | None = None
    failed_share: float | None = None

    def apply(self, chosen: Matrix) -> Matrix:
        """Return the matrix with these limits."""
        return chosen.with_limits(**asdict(self))


@dataclass(frozen=True)
class Output:
    """Where the results go.

    Args:
        results_dir: Folder of the records; None is ``results/MATRIX-DATASET``.
        reports_dir: Folder of the report; None is derived from the folder of the records.
        force: Whether finished runs are made again.
    """

    results_dir: Path | None = None
    reports_dir: Path | None = None
    force: bool = False

    def folder(self, chosen: Matrix, suffix: str) -> Path:
        """Return the folder of the records for a matrix whose data set is known."""
        return self.results_dir or Path("results", f"{chosen.name}-{chosen.dataset}{suffix}")


@dataclass(frozen=True)
class Request:
    """Everything that ``mobo-bench run`` is told.

    Args:
        what: Which runs.
        where: On which backend.
        limits: When trials and runs are given up.
        output: Where the results go.
    """

    what: RunChoice
    where: BackendChoice = field(default_factory=BackendChoice)
    limits: LimitChoice = field(default_factory=LimitChoice)
    output: Output = field(default_factory=Output)
