"""Stand-ins for tests of lending: light to import, since every process imports them anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psutil
import ray

from bench.execution.ray.training_processes import HostedProblem


class Counting:
    """A problem whose training counts: cheap to start, so that only the lending is tested."""

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
    """Stands for a trial's process."""

    def train(self, source: HostedProblem) -> dict[str, float]:
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
    """The file behind a training process's images and where in it; no name: its own memory."""
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
    """Of this process."""
    connections = psutil.Process().net_connections("inet")
    listening = [c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN]
    return [address.removeprefix("::ffff:") for address in listening]  # IPv4 by way of IPv6
