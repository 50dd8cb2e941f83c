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


def every_third(config: dict[str, Any]) -> None:
    """Report every epoch in a nested form, with a checkpoint after every third epoch only."""
    t = 0
    if checkpoint := tune.get_checkpoint():
        with checkpoint.as_directory() as saved:
            t = int(Path(saved, "t").read_text())
    while t < MAX_T:
        t += 1
        error, size = curve(config["number"], t, "finish")
        folder = Path(config["folder"], f"{config['number']}-{t}")
        folder.mkdir(parents=True)  # fails if an epoch is trained twice
        (folder / "t").write_text(str(t))
        checkpoint = None if t % 3 else tune.Checkpoint.from_directory(str(folder))
        tune.report({"error": error, "size": size, "p": {"epoch": t}}, checkpoint=checkpoint)


def forgetful(config: dict[str, Any]) -> None:
    for t in range(1, MAX_T + 1):
        error, size = curve(config["number"], t, "finish")
        tune.report({"error": error, "size": size, "epoch": t})


class FailsAtEnds(tune.Callback):
    """A callback that raises an error whenever a trial ends."""

    def on_trial_complete(self, *arguments: Any, **named: Any) -> None:
        raise ConnectionError("the tracker is away")


class Bare(Cheap):
    """A trainable that cannot be saved."""

    save_checkpoint = tune.Trainable.save_checkpoint


class NoReset(Cheap):
    """A trainable whose process is for one trial."""

    reset_config = tune.Trainable.reset_config


class Mendable(Cheap):
    """A trainable of which some trials fail in epoch 2, until there is a file ``mended``."""

    def step(self) -> dict[str, Any]:
        mended = Path(self.config["folder"], "mended").exists()
        if self.t == 1 and self.number % 3 == 0 and not mended:
            raise RuntimeError("to be mended")
        return super().step()


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


class Misreports(tune.Trainable):
    """A trainable whose reports lack something, or hold something wrong, as its case says.

    In the case ``"over"`` it ignores its checkpoint and starts over.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self.t = 0
        self.case = config["case"]

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        self.t += 1
        if self.case == "test" and self.t == 4:
            return {"test": {"loss": 0.5}, "done": True}
        loss = (0.5 if self.case == "over" else 1.0) / self.t
        report = {"loss": loss, "size": 1.0, "p": {"epoch": self.t}}
        if self.case == "never" or (self.case == "sparse" and self.t % 2):
            del report["loss"]
        if self.case == "text":
            report["loss"] = "bad"
        return report

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        Path(checkpoint_dir, "t").write_text(str(self.t))

    def load_checkpoint(self, checkpoint_dir: str) -> None:  # type: ignore[override]
        self.t = 0 if self.case == "over" else int(Path(checkpoint_dir, "t").read_text())
