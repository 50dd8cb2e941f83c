"""Suggestions computed in advance in the background, so that no slot waits for a model."""

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
"""Models set and restore the process's random states, so only one may run at a time."""


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
    """A searcher that keeps suggestions of another searcher, the inner one, ready.

    A model needs seconds for a suggestion. Tune would handle no report and start no trial in that
    time. Here a separate thread makes all calls of the inner searcher, in the order in which Tune
    made them. `suggest` returns a suggestion that is ready; if none is ready, Tune calls it again
    later. Each suggestion that is returned starts the computation of the next one. A suggestion is
    therefore based on the reports up to the moment at which the suggestion `ahead` places before it
    was returned. The same order of calls gives the same suggestions.

    Do not draw from the global random states of Python, NumPy or PyTorch in the driver meanwhile,
    because models use them too. In virtual time, where no real time passes, use
    ``background=False``.

    Args:
        searcher: The inner searcher. It needs `save` and `restore` if the state is to be saved.
        ahead: The number of suggestions kept ready, ≥ 1. A larger number covers longer
            computations, but each suggestion is based on the results of as many trials fewer.
        limit: The total number of suggestions, the same as `TuneConfig.num_samples`. With None up
            to `ahead` suggestions are computed and never used.
        background: Whether to use a thread. Otherwise each suggestion is computed immediately.

    Raises:
        ValueError: If `ahead` or `limit` is not a whole number of at least 1.

    Example:
        >>> from ray import tune
        >>> from mobo_core.tune import AheadSearcher, SobolSearcher
        >>> model = SobolSearcher({"rate": tune.uniform(0, 1)}, seed=1)
        >>> searcher = AheadSearcher(model, ahead=2, limit=64)
        >>> sorted(searcher.suggest("trial-1"))
        ['rate']
        >>> searcher.close()
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
        self._made: dict[str, _Suggestion] = {}  # but not yet returned
        self._running: set[str] = set()
        # The number of calls after which the inner searcher was saved, and its state then. The
        # calls since that state follow.
        self._saved: tuple[int, bytes | None] | None = None
        self._calls: deque[_Call] = deque()
        self._number = 0
        self._savable = True

    # Not called `searcher`: Tune would save only the attribute of that name.
    @property
    def inner(self) -> Searcher:
        """The inner searcher, after all pending calls; reading it waits for them."""
        self._wait()
        return self._inner

    @property
    def is_making(self) -> bool:
        """Whether the next suggestion is still being computed."""
        return bool(self._orders) and not self._orders[0].suggestion.done()

    def inner_id(self, trial_id: str) -> str:
        """Return the id that the inner searcher uses for a trial."""
        return self._inner_ids[trial_id]

    def suggestion_s(self, trial_id: str) -> float:
        """Return the seconds that the computation of the trial's suggestion took."""
        return self._seconds[trial_id]

    @property
    def metric(self) -> Any:
        """The inner searcher's metric."""
        return self._inner.metric

    @property
    def mode(self) -> Any:
        """The inner searcher's mode."""
        return self._inner.mode

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Pass the Tuner's settings on to the inner searcher; return whether it accepts them."""
        accepted: bool = self._inner.set_search_properties(metric, mode, config, **spec)
        return accepted

    def suggest(  # type: ignore[override]  # Ray's annotation lacks FINISHED
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """Return the next suggestion if it is ready; None makes Tune call again later.

        Wait for the suggestion only if no trial is running.

        Raises:
            Exception: The inner searcher's error, if it raised one instead of this suggestion.
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
        """Pass a report on to the inner searcher in the background."""
        if self._suggested(trial_id):
            self._submit("on_trial_result", self._inner_ids[trial_id], dict(result))

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Pass a trial's end on in the background.

        If the inner searcher raises an error, the error is logged, and the trial is passed on as
        failed. If the error were raised here instead, Tune would attribute it to another trial. A
        trial that this searcher did not suggest is ignored with a warning.
        """
        self._running.discard(trial_id)
        if self._suggested(trial_id):
            known = None if result is None else dict(result)
            self._submit("on_trial_complete", self._inner_ids[trial_id], known, error)

    def close(self) -> None:
        """Drop calls that have not begun and end the thread. Call it if a run ends early."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None
        self._orders = deque(order for order in self._orders if not order.suggestion.cancelled())

    def save(self, checkpoint_path: str) -> None:
        """Write the state without waiting for a suggestion that is being computed.

        The state holds the inner searcher as it was after its last suggestion, and the calls since
        then, which `restore` repeats.

        Raises:
            NotImplementedError: If the inner searcher cannot be saved.
        """
        number, saved = self._saved or (0, self._inner_state())
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
        """Continue from a file that `save` wrote. Load only files that you trust."""
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
            elif suggestion is None:  # the call had raised an error, or was dropped
                future = self._submit("suggest", inner_id)
            else:
                self._made[inner_id] = suggestion
                future = _done(suggestion)
            self._orders.append(_Order(inner_id, future))
        self._ordered, self._finished = state["ordered"], state["finished"]
        self._running = state["running"]

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without threads and futures, because Tune pickles searchers."""
        self._wait()
        orders = [(inner_id, future.result()) for inner_id, future in self._orders]
        return {**self.__dict__, "_thread": None, "_last": None, "_orders": orders}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set a state that `__getstate__` returned."""
        self.__dict__.update(state)
        self._orders = deque(_Order(name, _done(made)) for name, made in state["_orders"])

    def _order(self) -> None:
        """Start computations until enough suggestions are ready or being computed."""
        while (
            len(self._orders) < self._ahead
            and not self._finished
            and (self._limit is None or len(self._inner_ids) + len(self._orders) < self._limit)
        ):
            inner_id = f"suggestion-{self._ordered}"
            self._ordered += 1
            self._orders.append(_Order(inner_id, self._submit("suggest", inner_id)))

    def _suggested(self, trial_id: str) -> bool:
        """Return whether a trial came from here; warn if it did not."""
        if trial_id not in self._inner_ids:
            logger.warning("AheadSearcher did not suggest trial %s; it is ignored", trial_id)
        return trial_id in self._inner_ids

    def _submit(self, name: str, *arguments: Any) -> Future[Any]:
        if self._saved is None:
            self._saved = (0, self._inner_state())
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
            # In this order: a state that `save` reads in another thread must not lack a suggestion.
            self._made[call.arguments[0]] = suggestion
            self._saved = (call.number, self._inner_state())
            return suggestion
        inner_id, *rest = call.arguments
        try:
            self._pass_on(call.name, inner_id, *rest)
        except Exception:
            names = {inner: trial_id for trial_id, inner in self._inner_ids.copy().items()}
            logger.exception("the searcher could not take a report of trial %s", names[inner_id])
            if call.name == "on_trial_complete":
                self._pass_on_failure(inner_id, names[inner_id])
        return None

    def _pass_on(self, name: str, inner_id: str, *arguments: Any) -> None:
        """Call the inner searcher as Tune does: some wrappers take the end by keywords only."""
        if name == "on_trial_complete":
            result, error = arguments
            self._inner.on_trial_complete(trial_id=inner_id, result=result, error=error)
        else:
            self._inner.on_trial_result(inner_id, *arguments)

    def _pass_on_failure(self, inner_id: str, trial_id: str) -> None:
        try:
            self._pass_on("on_trial_complete", inner_id, None, True)
        except Exception:
            logger.exception("the searcher could not be told that trial %s failed", trial_id)

    def _inner_state(self) -> bytes | None:
        """Return the inner searcher's state, or None if it cannot be saved."""
        if not self._savable:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "searcher")
            try:
                self._inner.save(str(path))
                return path.read_bytes()
            except NotImplementedError:
                self._savable = False
            except Exception as error:
                self._savable = False
                logger.warning(
                    "%s cannot be saved (%s: %s), so a restored experiment would begin its search "
                    "anew",
                    type(self._inner).__name__,
                    type(error).__name__,
                    error,
                )
        return None

    def _wait(self) -> None:
        """Wait until all calls have been made, except those that `close` has dropped."""
        if self._last is not None:
            with contextlib.suppress(Exception, CancelledError):
                self._last.result()
            with _one_at_a_time:
                pass  # a call before the dropped ones may still be running


def _done(result: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(result)
    return future
