"""The Ray that a matrix runs on: started, joined, found running, and started anew if it leaks."""

from __future__ import annotations

import math
import signal
import threading
import time
from pathlib import Path
from typing import Any

import ray
import torch

from bench.backends.loopback import on_loopback
from bench.backends.settings import RaySettings
from bench.errors import UserError
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
        self._starts = 0

    def open(self) -> None:
        """Start or join Ray, unless this process already has one.

        Raises:
            UserError: If that fails.
        """
        if ray.is_initialized():
            return
        handler = signal.getsignal(signal.SIGTERM)
        try:
            self._start()
        except Exception as error:  # Ray raises no narrower one if a node starts too slowly
            where = self._settings.address or "this machine"
            raise UserError(
                f"cannot start or join Ray at {where} ({error}); with --address a cluster must "
                "run there ('ray start --head'), without it a Ray of our own is started"
            ) from error
        self._starts += 1
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
                **quiet,
            )

    def close(self) -> None:
        """End it, if it was opened here."""
        if self._starts:
            ray.shutdown()

    def with_all_slots(self) -> bool:
        """See that no slot is taken, for a run that is about to begin.

        Ray 2.60 rarely loses some: of a placement group that Tune removed while it was being made,
        a node may keep a part for good. A run on what is left would be slow, or wait for ever.

        Returns:
            Whether Ray is the one it was; False if it had to be started anew, so that nothing on it
            is left.
        """
        if not self._starts or self._settings.address is not None:
            return True  # what is taken may be somebody else's
        until = time.monotonic() + FREE_AGAIN_S
        while (free := ray.available_resources().get(SLOT, 0.0)) < self._slots:
            if time.monotonic() > until:
                console.print(
                    f"Ray has {free:g} of {self._slots} slots free between two runs: it lost the "
                    "rest, and is started anew",
                    style="yellow",
                    markup=False,
                )
                ray.shutdown()
                self.open()
                return False
            time.sleep(0.05)
        return True
