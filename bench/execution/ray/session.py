"""The Ray session of a matrix: start Ray or join it, and restart it if it has lost slots."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import ray
import torch

from bench import instructions
from bench.errors import UserError
from bench.execution.ray.loopback import on_loopback
from bench.execution.ray.settings import RaySettings
from bench.execution.ray.warm_processes import WarmProcesses
from bench.terminal import console

SLOT = "mobo_slot"
"""The name of a custom resource of our local Ray. Each trial takes one; there is one per slot."""
FREE_AGAIN_S = 20.0
"""The real seconds that Ray may take to free a run's resources; mostly it takes less than 1."""


class RaySession:
    """The connection to the one Ray that all runs of a matrix use.

    Args:
        settings: The cluster to start or join, and the resources of each trial.
        slots: The number of trials that may run at the same time.
        folder: The folder in which a local Ray writes its files.
    """

    def __init__(self, settings: RaySettings, slots: int, folder: Path) -> None:
        self._settings = settings
        self._slots = slots
        self._folder = folder
        self._opened = False
        self.warm_processes = WarmProcesses(slots)

    def open(self) -> None:
        """Start or join Ray, unless this process is already connected to one.

        Raises:
            UserError: If that fails, or if the address does not name a cluster.
        """
        address = self._settings.address
        if "local" in (address, os.environ.get("RAY_ADDRESS") if address == "auto" else address):
            raise UserError(
                f"--address {address} joins no cluster but starts a Ray that other machines can "
                "reach; leave --address out to start a local Ray"
            )
        if ray.is_initialized():
            return
        self._opened = True
        handler = signal.getsignal(signal.SIGTERM)
        try:
            self._start()
        except Exception as error:  # Ray raises a plain Exception if a node starts too slowly
            where = self._settings.address or "this machine"
            raise UserError(
                f"cannot start or join Ray at {where} ({error}); with --address a cluster must "
                "run there ('ray start --head'), without --address a local Ray is started"
            ) from error
        finally:
            if threading.current_thread() is threading.main_thread():
                # Ray's own handler prints a stack trace of its core before it calls this one.
                signal.signal(signal.SIGTERM, handler)

    def _start(self) -> None:
        settings = self._settings
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if settings.address is not None:
            # The processes of a cluster do not inherit this process's environment.
            pinned = {"env_vars": instructions.variables(instructions.mode())}
            ray.init(address=settings.address, runtime_env=pinned, **quiet)
            return
        workers = self._slots * settings.workers_per_trial
        with on_loopback():
            ray.init(
                address="local",
                num_cpus=math.ceil(workers * settings.cpus_per_trial) + 1,
                num_gpus=torch.cuda.device_count() if settings.gpus_per_trial else 0,
                resources={SLOT: self._slots},
                include_dashboard=False,
                _temp_dir=str(self._folder / "ray"),
                # The training processes, their pool, and the trials' own processes.
                _system_config=self.warm_processes.system_config(workers + 2 * self._slots + 1),
                **quiet,
            )

    def close(self) -> None:
        """Shut Ray down, if this session opened it."""
        if self._opened:
            ray.shutdown()

    @property
    def owned(self) -> bool:
        """Whether this session started a local Ray, on which no other user's trials run."""
        return self._opened and self._settings.address is None

    def lost_slots(self) -> float:
        """Return the number of slots that stay taken for `FREE_AGAIN_S` although no run is active.

        Ray 2.60 rarely loses slots: if Tune removes a placement group while it is being made, a
        node may never free its part. The next run would be slow or would wait without end.
        """
        if not self.owned:
            return 0.0  # on a joined cluster other users' trials may take slots
        until = time.monotonic() + FREE_AGAIN_S
        while True:
            lost = self._slots - float(ray.available_resources().get(SLOT, 0.0))
            if lost <= 0 or time.monotonic() > until:
                return max(lost, 0.0)
            time.sleep(0.05)

    def with_all_slots(self) -> bool:
        """Make sure that no slot is taken before a run begins; restart Ray if slots are lost.

        Returns:
            True if Ray was kept. False if Ray was restarted, so that all its actors are gone.

        Raises:
            UserError: If Ray must be restarted and cannot be.
        """
        if self._opened and not ray.is_initialized():  # the last attempt to start it failed
            self.open()
            return False
        if not (lost := self.lost_slots()):
            return True
        console.print(
            f"Ray has lost {lost:g} of {self._slots} slots: it is restarted",
            style="yellow",
            markup=False,
        )
        ray.shutdown()
        self.warm_processes.mark_used()
        self.open()
        return False
