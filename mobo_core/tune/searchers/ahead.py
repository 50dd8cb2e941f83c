"""Suggestions made ahead of time in the background, so that no slot waits for a model."""

from __future__ import annotations

import contextlib
import logging
import pickle
import tempfile
import threading
import time
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from ray.tune.search import Searcher

logger = logging.getLogger(__name__)

_one_at_a_time = threading.Lock()
"""Models draw from the random states of the process, which they set and put back."""


class _Suggestion(NamedTuple):
    config: dict[str, Any] | str | None
    seconds: float


class _Order(NamedTuple):
    inner_id: str
    suggestion: Future[_Suggestion]


class _Call(NamedTuple):
    number: int
    name: str
    arguments: tuple[Any, ...]


class AheadSearcher(Searcher):
    """Keeps suggestions of another searcher ready.

    A model takes seconds for a suggestion, in which Tune would handle no report and start no trial.
    Here every call goes to the inner searcher from one thread of its own, in the order in which
    Tune made it. `suggest` gives what is ready, and has Tune ask again if nothing is; each
    suggestion that is given orders the next. So a suggestion knows what had been reported when the
    one `ahead` before it was given, and for the same order of calls suggestions are the same.

    Do not draw from the global random states of Python, NumPy or PyTorch in the driver meanwhile:
    models use them too. In virtual time, where no second passes, use `background=False`.

    Args:
        searcher: Whose suggestions; for its state to be saved it must have `save` and `restore`.
        ahead: How many are kept ready, ≥ 1. More bridge longer suggestions, each made with the
            results of as many trials less.
        limit: How many are wanted in all, as `TuneConfig.num_samples`; None makes up to `ahead` in
            vain.
        background: Whether to use a thread; otherwise what is ordered is made at once.

    Raises:
        ValueError: If `ahead` or `limit` is not a whole number of at least 1.
    """

    def __init__(
        self,
        searcher: Searcher,
        *,
        ahead: int = 1,
        limit: int | None = None,
        background: bool = True,
    ) -> None:
        super().__init__()
        for name, value in {"ahead": ahead, "limit": 1 if limit is None else limit}.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        self._inner = searcher
        self._ahead = ahead
        self._limit = limit
        self._background = background
        self._thread: ThreadPoolExecutor | None = None
        self._last: Future[Any] | None = None
        self._ordered = 0
        self._orders: deque[_Order] = deque()
        self._finished = False
        self._inner_ids: dict[str, str] = {}
        self._seconds: dict[str, float] = {}
        self._made: dict[str, _Suggestion] = {}  # and not yet given
        self._running: set[str] = set()
        # The inner searcher as it was after so many calls, and the calls since.
        self._saved: tuple[int, bytes | None] | None = None
        self._calls: deque[_Call] = deque()
        self._number = 0

    # Not called `searcher`: Tune would save what is under that name, and nothing of this.
    @property
    def inner(self) -> Searcher:
        """The inner searcher, when it has heard all that was told."""
        self._wait()
        return self._inner

    @property
    def is_making(self) -> bool:
        """Whether there will be a suggestion that is not ready yet."""
        return bool(self._orders) and not self._orders[0].suggestion.done()

    def inner_id(self, trial_id: str) -> str:
        """The name under which the inner searcher knows a trial."""
        return self._inner_ids[trial_id]

    def suggestion_s(self, trial_id: str) -> float:
        """Seconds that the trial's suggestion took to make."""
        return self._seconds[trial_id]

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Passed on."""
        accepted: bool = self._inner.set_search_properties(metric, mode, config, **spec)
        return accepted

    def suggest(  # type: ignore[override]  # Ray's own annotation forgets FINISHED
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """The next suggestion if it is ready; None has Tune ask again.

        Waits for it only when no trial has begun that has not ended.

        Raises:
            Exception: What the inner searcher raised instead of this suggestion.
        """
        self._order()
        if not self._orders:
            return str(Searcher.FINISHED)
        if self._running and self.is_making:
            return None
        inner_id, future = self._orders.popleft()
        suggestion = future.result()
        self._made.pop(inner_id, None)
        if not isinstance(suggestion.config, dict):
            self._finished = suggestion.config is not None
            return suggestion.config
        self._inner_ids[trial_id] = inner_id
        self._seconds[trial_id] = suggestion.seconds
        self._running.add(trial_id)
        self._order()
        return suggestion.config

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Passed on in the background."""
        self._submit("on_trial_result", self._inner_ids[trial_id], dict(result))

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Passed on in the background; if the inner searcher raises, as the end of a failed trial.

        What it raised is logged: Tune has gone on, and would blame another trial for it.
        """
        self._running.discard(trial_id)
        known = None if result is None else dict(result)
        self._submit("on_trial_complete", self._inner_ids[trial_id], known, error)

    def close(self) -> None:
        """Drop what is not yet begun, and let the thread end; for runs that end early."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None

    def save(self, checkpoint_path: str) -> None:
        """Write the state without waiting for a suggestion that is being made.

        The inner searcher is kept as it was after its last suggestion, with what it was told since,
        which `restore` tells it again.

        Raises:
            NotImplementedError: If the inner searcher cannot be saved.
        """
        number, saved = self._saved or (0, _saved(self._inner))
        if saved is None:
            raise NotImplementedError(f"{type(self._inner).__name__} cannot be saved")
        state = {
            "saved": saved,
            "since": [call for call in self._calls if call.number > number],
            "orders": [(inner_id, self._made.get(inner_id)) for inner_id, _ in self._orders],
            "ordered": self._ordered,
            "finished": self._finished,
            "inner_ids": self._inner_ids,
            "seconds": self._seconds,
            "running": self._running,
        }
        Path(checkpoint_path).write_bytes(pickle.dumps(state))

    def restore(self, checkpoint_path: str) -> None:
        """Go on where `save` left off. The file must be one this searcher wrote."""
        state = pickle.loads(Path(checkpoint_path).read_bytes())  # noqa: S301 - our own file
        self._wait()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "searcher")
            path.write_bytes(state["saved"])
            self._inner.restore(str(path))
        self._saved, self._calls, self._number = (0, state["saved"]), deque(), 0
        self._inner_ids, self._seconds = state["inner_ids"], state["seconds"]
        self._made, self._orders, again = {}, deque(), {}
        for call in state["since"]:
            future = self._submit(call.name, *call.arguments)
            if call.name == "suggest":
                again[call.arguments[0]] = future
        for inner_id, suggestion in state["orders"]:
            if inner_id in again:
                future = again[inner_id]
            elif suggestion is None:  # it had raised, or was dropped
                future = self._submit("suggest", inner_id)
            else:
                self._made[inner_id] = suggestion
                future = _done(suggestion)
            self._orders.append(_Order(inner_id, future))
        self._ordered, self._finished = state["ordered"], state["finished"]
        self._running = state["running"]

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles searchers before a run: threads and futures stay behind."""
        self._wait()
        orders = [(inner_id, future.result()) for inner_id, future in self._orders]
        return {**self.__dict__, "_thread": None, "_last": None, "_orders": orders}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The other way round."""
        self.__dict__.update(state)
        self._orders = deque(_Order(name, _done(made)) for name, made in state["_orders"])

    def _order(self) -> None:
        """Have suggestions made until enough are ready or under way."""
        while (
            len(self._orders) < self._ahead
            and not self._finished
            and (self._limit is None or len(self._inner_ids) + len(self._orders) < self._limit)
        ):
            inner_id = f"suggestion-{self._ordered}"
            self._ordered += 1
            self._orders.append(_Order(inner_id, self._submit("suggest", inner_id)))

    def _submit(self, name: str, *arguments: Any) -> Future[Any]:
        if self._saved is None:
            self._saved = (0, _saved(self._inner))
        self._number += 1
        call = _Call(self._number, name, arguments)
        while self._calls and self._calls[0].number <= self._saved[0]:
            self._calls.popleft()
        self._calls.append(call)
        if not self._background:
            future: Future[Any] = Future()
            try:
                future.set_result(self._make(call))
            except Exception as error:
                future.set_exception(error)
        else:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="suggestions")
            future = self._thread.submit(self._make, call)
        self._last = future
        return future

    def _make(self, call: _Call) -> _Suggestion | None:
        with _one_at_a_time:
            return self._make_alone(call)

    def _make_alone(self, call: _Call) -> _Suggestion | None:
        if call.name == "suggest":
            began = time.perf_counter()
            config = self._inner.suggest(*call.arguments)
            suggestion = _Suggestion(config, time.perf_counter() - began)
            # In this order: `save` in another thread must not find a state without what it made.
            self._made[call.arguments[0]] = suggestion
            self._saved = (call.number, _saved(self._inner))
            return suggestion
        try:
            getattr(self._inner, call.name)(*call.arguments)
        except Exception:
            inner_id, *_ = call.arguments
            names = {inner: trial_id for trial_id, inner in self._inner_ids.copy().items()}
            logger.exception("the searcher could not take a report of trial %s", names[inner_id])
            if call.name == "on_trial_complete":
                self._inner.on_trial_complete(inner_id, error=True)
        return None

    def _wait(self) -> None:
        """Until all calls have been made that `close` has not dropped."""
        if self._last is not None:
            with contextlib.suppress(Exception, CancelledError):
                self._last.result()
            with _one_at_a_time:
                pass  # of those dropped, the one before may be under way


def _done(result: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(result)
    return future


def _saved(searcher: Searcher) -> bytes | None:
    """Its state, if it can be saved."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "searcher")
        try:
            searcher.save(str(path))
        except NotImplementedError:
            return None
        return path.read_bytes()
