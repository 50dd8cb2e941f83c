"""The settings of Ray and Ray Tune: where trials run, and Tune's environment variables."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

TUNE_SETTINGS = {
    # Seconds between snapshots. They are useless: the experiment's folder is removed at the end.
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Ctrl-C must raise KeyboardInterrupt; Tune's handler would end one run and start the next.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Tune has two kinds of output; verbose=0 silences only the older one.
    "RAY_AIR_NEW_OUTPUT": "0",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    # A training process that requested no GPU must not see one.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}


@dataclass(frozen=True)
class RaySettings:
    """The cluster on which trials run, and the resources of each trial.

    Args:
        address: None starts a local Ray on this machine, with as many cores and GPUs as the slots
            need. ``auto`` or ``host:port`` joins an existing cluster.
        cpus_per_trial: The cores of a trial, greater than 0. If several workers train a trial,
            each of them has so many.
        gpus_per_trial: The GPUs of a trial, or of each of its workers: a fraction up to 1 or a
            whole number.
        workers_per_trial: The number of workers that train one trial together; see
            `mobo_core.tune.team`.
    """

    address: str | None = None
    cpus_per_trial: float = 1
    gpus_per_trial: float = 0
    workers_per_trial: int = 1

    def to_json(self) -> dict[str, Any]:
        """Return the settings as a dictionary for records.

        A single worker is left out, since 1 is what readers of a record assume.
        """
        document = asdict(self)
        if self.workers_per_trial == 1:
            del document["workers_per_trial"]
        return document
