"""The program that runs NePS in an environment of its own; `bench.rivals.neps` talks to it.

It imports NePS once, which takes many seconds, and then forks a process for each search. The number
of an open socket is its only argument. Each message on it brings the socket of a new search, on
which lines of JSON are exchanged: one question, one answer. A process ends when its socket closes.
Nothing of this project is imported here, because it is not installed in that environment.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TextIO

import neps
import numpy as np
import torch
from neps.optimizers import algorithms
from neps.optimizers.utils.brackets import Rung
from neps.state import Trial

EPOCH = "epoch"
"""The name of NePS's fidelity."""


class Search:
    """One search of NePS, by ask and tell.

    Args:
        algorithm: The name of a function in `neps.optimizers.algorithms`.
        options: Its keyword arguments.
        max_t: The full budget of a trial.
        seed: The seed of all global random states, which NePS draws from.
        space: A dictionary for each parameter: its ``name`` with ``choices``, or with ``bounds``,
            ``integer`` and ``log``. None if the configurations come from elsewhere.
    """

    def __init__(
        self,
        algorithm: str,
        options: Mapping[str, Any],
        max_t: int,
        seed: int,
        space: Sequence[Mapping[str, Any]] | None,
    ) -> None:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - what NePS draws from
        torch.manual_seed(seed)
        parameters = {"x": neps.HPOFloat(0, 1)} if space is None else _parameters(space)
        parameters[EPOCH] = neps.HPOInteger(1, max_t, is_fidelity=True)
        make = getattr(algorithms, algorithm)
        self._suggest = make(neps.SearchSpace(parameters), **options)
        self._optimizer = neps.AskAndTell(self._numbered)

    def ask(self) -> dict[str, Any]:
        """Return what NePS wants next: a trial's id, whether it has trained, and until when."""
        trial = self._optimizer.ask()
        promoted = trial.metadata.previous_trial_id is not None
        config = {name: _plain(value) for name, value in trial.config.items()}
        return {"id": trial.id, "promoted": promoted, "epoch": config.pop(EPOCH), "config": config}

    def _numbered(self, trials: Mapping[str, Trial], budget_info: Any, n: int | None) -> Any:
        """Return NePS's suggestion, with a number that no other trial has.

        PriMO numbers its suggestions by those that have results, so that two that are asked for at
        the same time would be one.
        """
        sampled = self._suggest(trials, budget_info, n)
        numbers = {_number(name) for name in trials}
        if sampled.previous_config_id is None and _number(sampled.id) in numbers:
            _, *rung = sampled.id.split("_")
            sampled = replace(sampled, id="_".join([str(1 + max(numbers)), *rung]))
        return sampled

    def sample(self) -> dict[str, Any]:
        """Return a new trial for the lowest rung, also if NePS would rather promote one."""
        rungs = self._suggest.rung_to_fid
        rung = min(rungs)
        number = 1 + max((_number(name) for name in self._optimizer.trials), default=0)
        config = {"x": 0.5, EPOCH: rungs[rung]}
        trial = Trial.new(
            trial_id=f"{number}_rung_{rung}",
            location="",
            config=config,
            previous_trial=None,
            previous_trial_location="",
            time_sampled=0.0,
            worker_id=self._optimizer.worker_id,
        )
        trial.set_evaluating(time_started=0.0, worker_id=self._optimizer.worker_id)
        self._optimizer.trials[trial.id] = trial
        return {"id": trial.id, "promoted": False, "epoch": int(config[EPOCH]), "config": {}}

    def tell(self, id: str, point: list[float]) -> dict[str, Any]:  # noqa: A002 - NePS's name
        """Report the objectives of a trial at the end of what was asked for."""
        self._optimizer.tell(id, {"objective_to_minimize": point, "cost": 1.0})
        return {}

    def forget(self, id: str) -> dict[str, Any]:  # noqa: A002 - NePS's name
        """Forget a trial with all its rungs, as if it had never been asked for."""
        trials = self._optimizer.trials
        for name in [name for name in trials if _number(name) == _number(id)]:
            del trials[name]
        return {}


def _parameters(space: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the parameters of a space as NePS's."""
    found: dict[str, Any] = {}
    for dimension in space:
        if "choices" in dimension:
            found[dimension["name"]] = neps.HPOCategorical(dimension["choices"])
            continue
        kind = neps.HPOInteger if dimension["integer"] else neps.HPOFloat
        found[dimension["name"]] = kind(*dimension["bounds"], log=dimension["log"])
    return found


def _plain(value: Any) -> Any:
    """Return a value of a configuration as JSON has it."""
    if isinstance(value, int | np.integer):
        return int(value)
    return value if isinstance(value, str) else float(value)


def _number(name: str) -> int:
    """Return the number of a trial: 7 of ``7_rung_1``."""
    return int(name.split("_")[0])


def allow_rungs_without_results() -> None:
    """Let a rung without results promote nothing; NePS as shipped raises an error there."""
    shipped: Callable[..., Any] = Rung.epsnet_selector

    def epsnet_selector(self: Any, *, k: int, contenders: Any) -> Any:
        if contenders["perf"].isna().all():
            return contenders.iloc[:0]
        return shipped(self, k=k, contenders=contenders)

    Rung.epsnet_selector = epsnet_selector


def serve(stream: TextIO) -> None:
    """Answer the questions of one search until its socket closes."""
    search: Search | None = None
    for line in stream:
        question = json.loads(line)
        name = question.pop("do")
        try:
            if search is None:
                assert name == "begin", name
                search, answer = Search(**question), {}
            else:
                answer = getattr(search, name)(**question)
        except Exception as error:  # whatever NePS raises is the other side's error
            answer = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        stream.write(json.dumps(answer) + "\n")
        stream.flush()


def main() -> None:
    """Fork a process for every socket that arrives."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that ended processes leave nothing behind
    allow_rungs_without_results()
    torch.set_num_threads(1)
    arrivals = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, handles, _, _ = socket.recv_fds(arrivals, 1, 1)
        if not message:
            os._exit(
                0
            )  # at once: to end Python in an orderly way takes seconds after these imports
        (handle,) = handles
        if os.fork() == 0:
            arrivals.close()
            with socket.socket(fileno=handle) as mine, mine.makefile("rw") as stream:
                serve(stream)
            os._exit(0)
        os.close(handle)


if __name__ == "__main__":
    main()
