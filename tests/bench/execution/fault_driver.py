"""Drivers for the tests that kill a command or take its resources; see `main`.

Each driver runs in its own process.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray._private.state import actors
from ray.cluster_utils import Cluster
from rich.console import Console

from bench.execution import queue
from bench.execution.ray.backend import RayBackend
from bench.execution.ray.settings import RaySettings
from bench.matrix import catalogue, problems
from bench.matrix.matrix import Run
from bench.records import folders
from tests.bench.faulty_runs import ENTRY, Listed, a_run

TRIALS = 8


def say(line: str) -> None:
    """Print a line for the test to read, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def runs(count: int) -> list[Run]:
    """Return `count` runs whose trials are slow."""
    return [a_run(TRIALS, seed) for seed in range(count)]


def prepare() -> None:
    """Put the faulty problem and its searcher into the catalogue of this process."""
    problems.PROBLEMS["faulty"] = ENTRY  # type: ignore[index]
    catalogue.SEARCHERS["listed"] = lambda context: Listed(["slow"] * TRIALS)  # type: ignore[index]


def make(folder: Path, settings: RaySettings, count: int) -> dict[str, Any]:
    """Execute the runs that have no record yet, in the same way as the command."""
    with folders.held(folder):
        todo = queue.pending(runs(count), folder, "")
        with RayBackend(settings, "", slots=2) as backend:
            say("running")
            console = Console(file=io.StringIO())
            outcome = queue.execute(todo, backend, folder, "", console)
    return {"todo": len(todo), "finished": outcome.finished, "failed": outcome.failed}


@contextlib.contextmanager
def three_nodes() -> Iterator[Cluster]:
    """Yield a cluster of a head without cores and two nodes, each with room for all training."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=3)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def remove_a_training_node(cluster: Cluster, removed: list[str]) -> None:
    """Remove a node on which a training process works, in the middle of a run."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not removed:
        time.sleep(0.2)
        if not ray.is_initialized():
            continue
        alive = [actor for actor in actors().values() if actor["State"] == "ALIVE"]
        training = {
            a["Address"]["NodeID"] for a in alive if a["ActorClassName"] == "TrainingProcess"
        }
        victims = [node for node in cluster.worker_nodes if node.node_id in training]
        if victims and any("Trainable" in actor["ActorClassName"] for actor in alive):
            time.sleep(0.5)  # by then the training has begun
            cluster.remove_node(victims[0], allow_graceful=False)
            removed.append(victims[0].node_id)


def lose_a_node(folder: Path) -> dict[str, Any]:
    """Execute two runs on three nodes, one of which is lost during the first run."""
    removed: list[str] = []
    with three_nodes() as cluster:
        thief = threading.Thread(target=remove_a_training_node, args=(cluster, removed))
        thief.start()
        made = make(folder, RaySettings(address=cluster.address), 2)
        thief.join()
    return made | {"removed": len(removed)}


def main() -> None:
    """Run the driver that the arguments name.

    ``own FOLDER COUNT`` executes COUNT runs on a local Ray. ``cluster FOLDER`` executes two runs
    on a cluster of three nodes and removes one of them.
    """
    kind, folder = sys.argv[1], Path(sys.argv[2])
    prepare()
    made = make(folder, RaySettings(), int(sys.argv[3])) if kind == "own" else lose_a_node(folder)
    say(json.dumps(made))


if __name__ == "__main__":
    main()
