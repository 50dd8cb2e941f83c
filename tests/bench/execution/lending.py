"""Stand-ins for the tests of lending training processes.

Every process imports this module again, so it must be quick to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psutil
import ray

from bench.execution.ray.training_processes import RemoteProblem


class Counting:
    """A problem whose training only counts. It starts quickly: the tests are about lending."""

    max_epochs = 4

    def data_checksum(self) -> str:
        return ""

    def start(self, config: Mapping[str, Any], seed: int) -> CountingTraining:
        return CountingTraining(config["from"])


class CountingTraining:
    def __init__(self, first: int) -> None:
        self.value = first

    def run_epoch(self) -> dict[str, float]:
        self.value += 1
        return {"value": self.value}

    def state(self) -> bytes:
        return bytes([self.value])

    def load_state(self, state: bytes) -> None:
        self.value = state[0]


@ray.remote(num_cpus=0)
class Borrower:
    """An actor that stands for a trial's process."""

    def train(self, source: RemoteProblem) -> dict[str, float]:
        self.training = source.start({"from": 10}, 0)
        return self.training.run_epoch()

    def go_on(self) -> dict[str, float]:
        return self.training.run_epoch()

    def rewind(self) -> dict[str, float]:
        state = self.training.state()
        self.training.run_epoch()
        self.training.load_state(state)
        return self.training.run_epoch()

    def finish(self) -> None:
        self.training.close()


def where_images_lie(actor: Any) -> tuple[str, int]:
    """Return the file and the offset at which a training process has its images in memory.

    The file's name is empty if the images lie in the process's own memory.
    """
    from mobo_core.problems import images

    (data,) = images._LOADED.values()
    start = data.train.images.data_ptr()
    with open("/proc/self/maps") as maps:
        for line in maps:
            low, high = (int(end, 16) for end in line.split()[0].split("-"))
            if low <= start < high:
                _, _, offset, _, _, *name = line.split(maxsplit=5)
                return "".join(name).strip(), start - low + int(offset, 16)
    raise AssertionError("memory that is not mapped")


def addresses_listened_on(actor: Any) -> list[str]:
    """Return the addresses on which this process listens."""
    connections = psutil.Process().net_connections("inet")
    listening = [c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN]
    return [address.removeprefix("::ffff:") for address in listening]  # IPv4 written as IPv6
