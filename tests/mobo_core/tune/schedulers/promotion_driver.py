"""A Tune experiment with promotion. Run as a program, it is the driver that a test kills."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from bench.execution.ray.loopback import on_loopback
from bench.execution.ray.session import SLOT
from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import HypervolumePromotion
from mobo_core.tune.schedulers.scheduler import ObjectiveScheduler
from tests.bench.cheap import MAX_T, Cheap

OBJECTIVES = ObjectiveSet(
    [Objective("error", "min", 0.6, ideal=0), Objective("size", "min", 100, exact=True)]
)
TRIALS = 9


class Numbers(Searcher):
    """A searcher that suggests 0, 1, 2, … and keeps its count when it is restored."""

    def __init__(self, case: str, log: str | None, extra: dict[str, Any]) -> None:
        super().__init__()
        self.count = 0
        self.fixed = {"case": case, "log": log, **extra}

    def set_search_properties(self, metric: Any, mode: Any, config: Any, **spec: Any) -> bool:
        return True

    def suggest(self, trial_id: str) -> dict[str, Any]:
        self.count += 1
        return {"number": self.count - 1, **self.fixed}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        pass

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).write_bytes(pickle.dumps((self.count, self.fixed)))

    def restore(self, checkpoint_path: str) -> None:
        self.count, self.fixed = pickle.loads(Path(checkpoint_path).read_bytes())


def resources(slots: int = 2) -> dict[str, float]:
    """Return the resources of a trial, such that `slots` trials take all slots of the cluster.

    If slots were left over, Tune would slowly start more processes than trials can run.
    """
    return {"cpu": 0.01, SLOT: 2 / slots}


def tuner(
    scheduler: ObjectiveScheduler | TrialScheduler,
    folder: Path,
    case: str,
    log: str | None = None,
    *,
    trainable: Any = Cheap,
    searcher: Searcher | None = None,
    slots: int = 2,
    extra: dict[str, Any] | None = None,
    samples: int = TRIALS,
    stop: tune.Stopper | None = None,
    max_failures: int = 0,
    callbacks: Sequence[tune.Callback] = (),
    reuse_actors: bool = True,
) -> tune.Tuner:
    return tune.Tuner(
        tune.with_resources(trainable, resources(slots)),
        tune_config=tune.TuneConfig(
            search_alg=searcher or Numbers(case, log, extra or {}),
            scheduler=scheduler,
            num_samples=samples,
            reuse_actors=reuse_actors,
        ),
        run_config=tune.RunConfig(
            name="promotion",
            storage_path=str(folder),
            verbose=0,
            stop=stop,
            failure_config=tune.FailureConfig(max_failures=max_failures),
            callbacks=list(callbacks),
        ),
    )


def main() -> None:
    address, folder = sys.argv[1:]
    # The session that is joined listens on the loopback; Ray would look at another address.
    with on_loopback():
        ray.init(address=address, log_to_driver=False)
    scheduler = HypervolumePromotion(OBJECTIVES, MAX_T, slots=2, time_attr="epoch")
    tuner(scheduler, Path(folder), "finish", str(Path(folder, "log"))).fit()


if __name__ == "__main__":
    main()
