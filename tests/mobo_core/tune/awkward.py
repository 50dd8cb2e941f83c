"""Trainables for the tests of promotion, some of which cannot pause.

They have their own module because the process of a trial imports its trainable's module.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from ray import tune

from tests.bench.cheap import MAX_T, Cheap, curve


def checkpointing(config: dict[str, Any]) -> None:
    t = 0
    if checkpoint := tune.get_checkpoint():
        with checkpoint.as_directory() as folder:
            t = int(Path(folder, "t").read_text())
    while True:
        t += 1
        error, size = curve(config["number"], t, config["case"])
        folder = Path(config["folder"], f"{config['number']}-{t}")
        folder.mkdir(parents=True)
        (folder / "t").write_text(str(t))
        report = {"error": error, "size": size, "epoch": t}
        tune.report(report, checkpoint=tune.Checkpoint.from_directory(str(folder)))


def every_other(config: dict[str, Any]) -> None:
    """Report every epoch, with a checkpoint after every second epoch only."""
    for t in range(1, MAX_T + 1):
        error, size = curve(config["number"], t, "finish")
        folder = Path(config["folder"], f"{config['number']}-{t}")
        folder.mkdir(parents=True)
        checkpoint = None if t % 2 else tune.Checkpoint.from_directory(str(folder))
        tune.report({"error": error, "size": size, "epoch": t}, checkpoint=checkpoint)


def forgetful(config: dict[str, Any]) -> None:
    for t in range(1, MAX_T + 1):
        error, size = curve(config["number"], t, "finish")
        tune.report({"error": error, "size": size, "epoch": t})


class Bare(Cheap):
    """A trainable that cannot be saved."""

    save_checkpoint = tune.Trainable.save_checkpoint


class StartsOver(Cheap):
    """A trainable that ignores its checkpoint and starts over."""

    def load_checkpoint(self, checkpoint_dir: str) -> None:  # type: ignore[override]
        self.t = 0


class FailsOnce(Cheap):
    """A trainable whose process dies in the epoch after its first resume.

    A lost node has the same effect.
    """

    def load_checkpoint(self, checkpoint_dir: str) -> None:  # type: ignore[override]
        super().load_checkpoint(checkpoint_dir)
        self.resumed = True

    def setup(self, config: dict[str, Any]) -> None:
        super().setup(config)
        self.resumed = False

    def step(self) -> dict[str, Any]:
        fallen = Path(f"{self.log}-{self.number}-fell")
        if self.resumed and not fallen.exists():
            fallen.touch()
            os._exit(1)
        return super().step()


class SavesSlowly(Cheap):
    """A trainable that waits until two of its kind have begun, and takes a second to save."""

    def step(self) -> dict[str, Any]:
        folder = Path(self.config["folder"])
        (folder / f"{self.number}-began").touch()
        while len(list(folder.glob("*-began"))) < 2:
            time.sleep(0.01)
        return super().step()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        time.sleep(1)
        super().save_checkpoint(checkpoint_dir)


class NotAgain(Cheap):
    """A trainable whose process accepts no second trial."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        return False


class FailsToReset(Cheap):
    """A trainable whose process raises an error when it is given a second trial."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        raise RuntimeError("cannot be reset")
