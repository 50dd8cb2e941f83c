"""Where trials run on real Ray, and how Tune is set there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

TUNE_SETTINGS = {
    # Seconds between snapshots of an experiment whose folder is thrown away in the end.
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Ctrl-C must reach us as KeyboardInterrupt; Tune's handler would end one run and go on.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    # The older of Tune's two outputs is the one that verbose=0 silences.
    "RAY_AIR_NEW_OUTPUT": "0",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    # A training process that asked for no GPU must not see one.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}


@dataclass(frozen=True)
class RaySettings:
    """Where trials run.

    Args:
        address: None starts a Ray of its own on this machine, with as many cores (and GPUs) as
            the slots need; ``auto`` or ``host:port`` joins an existing cluster.
        cpus_per_trial: > 0; of each worker, if a trial has several.
        gpus_per_trial: Whole or a fraction; likewise.
        workers_per_trial: That train one trial together; see `mobo_core.tune.team`.
    """

    address: str | None = None
    cpus_per_trial: float = 1
    gpus_per_trial: float = 0
    workers_per_trial: int = 1

    def to_json(self) -> dict[str, Any]:
        """As a dictionary, for records; one worker is not named."""
        document = asdict(self)
        if self.workers_per_trial == 1:
            del document["workers_per_trial"]
        return document
