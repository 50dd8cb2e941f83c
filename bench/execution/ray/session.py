"""The Ray that a matrix runs on: started, joined, found running, and started anew if it leaks."""

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

from bench.errors import UserError
from bench.execution.ray.loopback import on_loopback
from bench.execution.ray.settings import RaySettings
from bench.execution.ray.warm_processes import Spares
from bench.terminal import console

SLOT = "mobo_slot"
"""Resource of our own Ray: as many as there are slots, one per trial."""
FREE_AGAIN_S = 20.0
"""Real seconds within which Ray knows that what a run held is free again; mostly below 1."""


class RaySession:
    """One Ray for a whole matrix.

    Args:
        settings: Where trials run.
        slots: Trials at a time.
        folder: For what Ray of our own writes.
    """

    def __init__(self, settings: RaySettings, slots: int, folder: Path) -> None:
        self._settings = settings
        self._slots = slots
        self._folder = folder
        self._opened = False
        self.spares = Spares(slots)

    def open(self) -> None:
        """Start or join Ray, unless this process already has one.

        Raises:
            UserError: If that fails, or the address is of no cluster.
        """
        address = self._settings.address
        if "local" in (address, os.environ.get("RAY_ADDRESS") if address == "auto" else address):
            raise UserError(
                f"--address {address} joins no cluster but starts a Ray that others can reach; "
                "leave it out for a Ray of this machine's own"
            )
        if ray.is_initialized():
            return
        self._opened = True
        handler = signal.getsignal(signal.SIGTERM)
        try:
            self._start()
        except Exception as error:  # Ray raises no narrower one if a node starts too slowly
            where = self._settings.address or "this machine"
            raise UserError(
                f"cannot start or join Ray at {where} ({error}); with --address a cluster must "
                "run there ('ray start --head'), without it a Ray of our own is started"
            ) from error
        finally:
            if threading.current_thread() is threading.main_thread():
                # Ray's own handler prints a stack trace of its core before it passes on.
                signal.signal(signal.SIGTERM, handler)

    def _start(self) -> None:
        settings = self._settings
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if settings.address is not None:
            ray.init(address=settings.address, **quiet)
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
                # Training processes, who lends them, and the trials' own.
                _system_config=self.spares.system_config(workers + 2 * self._slots + 1),
                **quiet,
            )

    def close(self) -> None:
        """End it, if it was opened here."""
        if self._opened:
            ray.shutdown()

    @property
    def owned(self) -> bool:
        """Whether this Ray is our own: nobody else's trials are on it."""
        return self._opened and self._settings.address is None

    def lost_slots(self) -> float:
        """Slots that are still taken when no run is on, and have been for a while.

        Ray 2.60 rarely loses some: of a placement group that Tune removed while it was being made,
        a node may keep a part for good. A run on what is left is slow, or waits for ever.
        """
        if not self.owned:
            return 0.0  # what is taken may be somebody else's
        until = time.monotonic() + FREE_AGAIN_S
        while True:
            lost = self._slots - float(ray.available_resources().get(SLOT, 0.0))
            if lost <= 0 or time.monotonic() > until:
                return max(lost, 0.0)
            time.sleep(0.05)

    def with_all_slots(self) -> bool:
        """See that no slot is taken, for a run that is about to begin.

        Returns:
            Whether Ray is the one it was; False if it had to be started anew, so that nothing on it
            is left.

        Raises:
            UserError: If it had to be, and cannot.
        """
        if self._opened and not ray.is_initialized():  # the last attempt to start it failed
            self.open()
            return False
        if not (lost := self.lost_slots()):
            return True
        console.print(
            f"Ray has lost {lost:g} of {self._slots} slots: it is started anew",
            style="yellow",
            markup=False,
        )
        ray.shutdown()
        self.spares.used()
        self.open()
        return False
