"""NePS's multi-objective algorithms by ask and tell, in a process of its own.

NePS needs an older GPyTorch than Ax, so it has an environment of its own and is spoken to through
a socket. Source: https://github.com/automl/neps, version 0.17.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, TextIO

from bench.rivals.asked import Wish
from bench.rivals.installed import NEPS
from mobo_core.space import ChoiceParameter, Parameter, SearchSpace

PROGRAM = Path(__file__).with_name("neps_server.py")
Algorithm = Literal["moasha", "mo_hyperband", "primo"]


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
        space: The search space, if NePS suggests; None leaves configurations to a searcher.

    Raises:
        ValueError: If an option cannot be used, or the space has conditions.
    """

    algorithm: Algorithm
    max_t: int
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    space: SearchSpace | None = None

    def __post_init__(self) -> None:
        if self.space is not None and self.space.is_conditional:
            raise ValueError(
                "NePS cannot search a space in which a parameter exists only sometimes"
            )
        for name, least in (("eta", 2), ("early_stopping_rate", 0), ("initial_design_size", 1)):
            value = self.options.get(name, least)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value}")


class NePSSystem:
    """One of NePS's algorithms, by ask and tell, in a process of its own.

    Args:
        settings: The settings.

    Raises:
        NePSError: If NePS's process cannot be started, or raises an error.
    """

    def __init__(self, settings: NePSSettings) -> None:
        self._space = settings.space
        self._process = NePSProcess()
        self._process.call(
            "begin",
            algorithm=settings.algorithm,
            options=dict(settings.options),
            max_t=settings.max_t,
            seed=settings.seed,
            space=None if self._space is None else [_dimension(p) for p in self._space.parameters],
        )

    def ask(self) -> Wish:
        """Return what NePS wants next."""
        return self._wish(self._process.call("ask"))

    def sample(self) -> Wish:
        """Return a wish for a new trial of the lowest rung."""
        return self._wish(self._process.call("sample"))

    def tell(self, wish: Wish, point: list[float]) -> None:
        """Report the objectives of what was wished for."""
        self._process.call("tell", id=wish.id, point=point)

    def forget(self, wish: Wish) -> None:
        """Let NePS forget the trial with all its rungs, as if it had never been asked for."""
        self._process.call("forget", id=wish.id)

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def _wish(self, answer: Mapping[str, Any]) -> Wish:
        config = None
        if self._space is not None:
            config = {p.name: _value(p, answer["config"][p.name]) for p in self._space.parameters}
        number = answer["id"].split("_")[0]
        return Wish(answer["id"], number, answer["promoted"], answer["epoch"], config)


def _dimension(parameter: Parameter) -> dict[str, Any]:
    """Return a parameter in the words of `bench.rivals.neps_server`.

    A range with a step, and an ordered choice, become the number of a value. The step loses a
    logarithm.
    """
    if isinstance(parameter, ChoiceParameter) and not parameter.ordered:
        return {"name": parameter.name, "choices": parameter.labels}
    if isinstance(parameter, ChoiceParameter) or parameter.step is not None:
        bounds: tuple[float, float] = (0, int(parameter.cardinality) - 1)
        return {"name": parameter.name, "bounds": bounds, "integer": True, "log": False}
    whole = int if parameter.integer else float
    return {
        "name": parameter.name,
        "bounds": (whole(parameter.lower), whole(parameter.upper)),
        "integer": parameter.integer,
        "log": parameter.log,
    }


def _value(parameter: Parameter, value: Any) -> Any:
    if isinstance(parameter, ChoiceParameter) and not parameter.ordered:
        return parameter.at(parameter.labels.index(value))
    if isinstance(parameter, ChoiceParameter) or parameter.step is not None:
        return parameter.at(int(value))
    return parameter.checked(int(value) if parameter.integer else float(value))
