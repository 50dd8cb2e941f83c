"""NePS's multi-objective successive halving as promotion rules, in a process of its own.

NePS needs an older GPyTorch than Ax, so it has an environment of its own and is spoken to through
a socket. Source: https://github.com/automl/neps, version 0.17.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, TextIO

import numpy as np

from bench.rivals.installed import NEPS
from mobo_core.objectives import Objective, ObjectiveSet, Points
from mobo_core.rules.rule import Decision
from mobo_core.tune import PromotionScheduler

PROGRAM = Path(__file__).with_name("neps_server.py")
Algorithm = Literal["moasha", "mo_hyperband"]


class NePSError(RuntimeError):
    """An error that NePS has raised, or the sudden end of its process."""


@cache
def _server() -> socket.socket:
    """Return the socket of NePS's process, which starts with the first search of this process.

    It ends when this process does, however that ends: its socket is closed then.
    """
    ours, its = socket.socketpair()
    subprocess.Popen(
        # Isolated, or Python would look for NePS in this folder first, and find this file.
        [str(NEPS.python), "-I", str(PROGRAM), str(its.fileno())],
        pass_fds=[its.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,  # Ctrl-C is for the command, which then ends
    )
    its.close()
    return ours


class NePSProcess:
    """The process of one search. It ends with `close`, and with this object at the latest."""

    def __init__(self) -> None:
        ours, its = socket.socketpair()
        try:
            socket.send_fds(_server(), [b"s"], [its.fileno()])
        except OSError:
            _server.cache_clear()  # the next search starts a new one
            raise NePSError(_ended("could not be started")) from None
        finally:
            its.close()
        self._stream: TextIO = ours.makefile("rw")
        ours.close()
        self._end = weakref.finalize(self, self._stream.close)

    def call(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Return NePS's answer to a question.

        Args:
            do: The name of a method of `bench.rivals.neps_server.Search`, or ``begin``.
            arguments: Its arguments.

        Raises:
            NePSError: If NePS raises an error or has ended.
        """
        try:
            self._stream.write(json.dumps({"do": do, **arguments}) + "\n")
            self._stream.flush()
            line = self._stream.readline()
        except OSError:
            line = ""
        if not line:
            raise NePSError(_ended("has ended"))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise NePSError(f"NePS: {answer['error']}\n{answer['trace']}")
        return answer

    def close(self) -> None:
        """End the process."""
        self._end()


def _ended(what: str) -> str:
    return f"the process of NePS {what}; '{NEPS.python} -c \"import neps\"' shows whether it works"


@dataclass(frozen=True)
class NePSSettings:
    """The settings of one of NePS's algorithms.

    Args:
        algorithm: The name of a function in `neps.optimizers.algorithms`.
        max_t: The full budget of a trial.
        options: The function's keyword arguments.
        seed: The seed of NePS's draws.
    """

    algorithm: Algorithm
    max_t: int
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("eta", 2), ("early_stopping_rate", 0)):
            value = self.options.get(name, least)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value}")


@dataclass(frozen=True)
class _Asked:
    """What NePS wants next: a new trial or a promoted one, trained until an epoch."""

    id: str
    promoted: bool
    epoch: int

    @property
    def number(self) -> str:
        return self.id.split("_")[0]


class NePSRule:
    """NePS's decisions about trials of any searcher, as a promotion rule.

    NePS is asked when a slot is free: it names a trial to promote, or wants a new one, whose
    configuration is the searcher's. A trial pauses at the epoch for which NePS has asked. NePS
    forgets a trial that failed or reported something invalid, and a wish for a new trial that came
    to nothing because the search has no more.

    Args:
        settings: The settings.
    """

    def __init__(self, settings: NePSSettings) -> None:
        self.max_t = settings.max_t
        self._settings = settings
        self._process: NePSProcess | None = None
        self._next: _Asked | None = None
        self._asked: dict[str, _Asked] = {}  # by trial, while it trains for NePS
        self._trials: dict[str, str] = {}  # by NePS's number
        self._paused: set[str] = set()

    def close(self) -> None:
        """End NePS's process. The rule cannot be used after that."""
        if self._process is not None:
            self._process.close()

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Register a new trial; see `mobo_core.rules.rule.StoppingRule`."""
        if trial_id in self._trials.values():  # it starts again after a failure
            return
        asked = self._peek()
        if asked.promoted:
            asked = _Asked(**self._call("sample"))
        else:
            self._next = None
        self._trials[asked.number] = trial_id
        self._asked[trial_id] = asked

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and return the decision about its trial."""
        if not np.isfinite(point).all():
            return Decision.STOP
        asked = self._asked.get(trial_id)
        if asked is not None:
            if t < asked.epoch:
                return Decision.CONTINUE
            del self._asked[trial_id]
            self._call("tell", id=asked.id, point=point.tolist())
            self._drop_wish()
        if t >= self.max_t:
            return Decision.COMPLETE
        self._paused.add(trial_id)
        return Decision.PAUSE

    def end(self, trial_id: str, failed: bool) -> None:
        """Note that a trial has ended; NePS forgets it if it has not done what was asked for."""
        self._paused.discard(trial_id)
        asked = self._asked.pop(trial_id, None)
        if self._next is not None and self._trials.get(self._next.number) == trial_id:
            asked, self._next = self._next, None
        if asked is not None:
            self._call("forget", id=asked.id)
            self._drop_wish()

    def choose(self, new_available: bool) -> str | None:
        """Return the paused trial that NePS promotes; None if it wants a new one."""
        asked = self._peek()
        trial = self._trials.get(asked.number) if asked.promoted else None
        return trial if trial in self._paused else None

    def resume(self, trial_id: str) -> None:
        """Note that a paused trial continues, as NePS has asked."""
        asked, self._next = self._next, None
        assert asked is not None, "only a trial that was chosen is resumed"
        assert self._trials[asked.number] == trial_id, "only a trial that was chosen is resumed"
        self._paused.discard(trial_id)
        self._asked[trial_id] = asked

    def withdraw(self, trial_id: str) -> None:
        """Take out a trial that does not wait any more."""
        self._paused.discard(trial_id)

    def is_paused(self, trial_id: str) -> bool:
        """Return whether the trial is paused."""
        return trial_id in self._paused

    def _peek(self) -> _Asked:
        """Return what NePS wants next; it stays so until it is done or NePS learns something."""
        if self._next is None:
            self._next = _Asked(**self._call("ask"))
        return self._next

    def _drop_wish(self) -> None:
        """Ask NePS anew next time, if its last wish was for a new trial that has not started."""
        if self._next is not None and not self._next.promoted:
            self._call("forget", id=self._next.id)
            self._next = None

    def _call(self, do: str, **arguments: Any) -> dict[str, Any]:
        if self._process is None:
            self._process, settings = NePSProcess(), self._settings
            self._process.call(
                "begin",
                algorithm=settings.algorithm,
                options=dict(settings.options),
                max_t=settings.max_t,
                seed=settings.seed,
            )
        return self._process.call(do, **arguments)


class NePSScheduler(PromotionScheduler):
    """A promotion scheduler whose decisions are NePS's. Its process ends with the experiment.

    Args:
        settings: The settings of NePS's algorithm.
        objectives: The objectives.
        slots: The number of trials that train at the same time.
        time_attr: The key in a report that counts epochs.
    """

    def __init__(
        self,
        settings: NePSSettings,
        *,
        objectives: ObjectiveSet | Iterable[Objective],
        slots: int,
        time_attr: str,
    ) -> None:
        super().__init__(
            NePSRule(settings), objectives=objectives, slots=slots, time_attr=time_attr
        )

    def release(self) -> None:
        """Disconnect from an experiment that has ended, and end NePS's process."""
        super().release()
        self.rule.close()
