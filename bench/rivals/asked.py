"""Systems that are driven by ask and tell, as a promotion rule and, if they suggest, a searcher."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from ray.tune.search import Searcher

from mobo_core.objectives import Objective, ObjectiveSet, Points
from mobo_core.rules.rule import Decision
from mobo_core.tune import PromotionScheduler


@dataclass(frozen=True)
class Wish:
    """What a system wants next: a new or a promoted configuration, trained until an epoch.

    Args:
        id: The system's name for this evaluation.
        number: The system's name for the configuration, the same at every budget.
        promoted: Whether the configuration has been trained before, to a lower budget.
        epoch: The epoch until which it is to be trained.
        config: Flat name → value; None if the configuration is the searcher's choice.
    """

    id: str
    number: str
    promoted: bool
    epoch: int
    config: Mapping[str, Any] | None = None


class System(Protocol):
    """A system that is driven by ask and tell."""

    def ask(self) -> Wish:
        """Return what the system wants next. From then on it expects the result."""
        ...

    def sample(self) -> Wish:
        """Return a wish for a new configuration, also if the system would rather promote one."""
        ...

    def tell(self, wish: Wish, point: list[float]) -> None:
        """Report the minimised objectives of what was wished for."""
        ...

    def forget(self, wish: Wish) -> None:
        """Note that a wish came to nothing: its trial failed, or was not started."""
        ...

    def close(self) -> None:
        """Free what the system holds; it is not used any more."""
        ...


class AskedRule:
    """The decisions of a system, as a promotion rule.

    The system is asked when a slot is free: it names a trial to promote, or wants a new one. A
    trial pauses at the epoch for which the system has asked. A trial that failed or reported
    something invalid came to nothing for it, and so did a wish for a new trial when the search has
    no more.

    Args:
        start: A function that starts the system. It is called when the first trial arrives.
        max_t: The full budget of a trial.
    """

    def __init__(self, start: Callable[[], System], max_t: float) -> None:
        self.max_t = max_t
        self._start = start
        self._system: System | None = None
        self._next: Wish | None = None
        self._taken: dict[str, Wish] = {}  # by trial, from its suggestion until it is added
        self._asked: dict[str, Wish] = {}  # by trial, while it trains for the system
        self._trials: dict[str, str] = {}  # by the system's number
        self._paused: set[str] = set()
        self._new_available = True

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the system, for Tune to pickle: it cannot leave its process."""
        return self.__dict__ | {"_system": None}

    @property
    def system(self) -> System:
        """The system, which starts with the first use."""
        if self._system is None:
            self._system = self._start()
        return self._system

    def close(self) -> None:
        """End the system. The rule cannot be used after that."""
        if self._system is not None:
            self._system.close()

    def take(self, trial_id: str) -> Mapping[str, Any] | None:
        """Return the configuration that the system wants for a new trial; None if it wants none."""
        wish = self._peek()
        if wish.promoted:
            return None
        self._taken[trial_id], self._next = wish, None
        return wish.config

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Register a new trial; see `mobo_core.rules.rule.StoppingRule`."""
        if trial_id in self._trials.values():  # it starts again after a failure
            return
        wish = self._taken.pop(trial_id, None)
        if wish is None:
            wish = self._peek()
            if wish.promoted:
                wish = self.system.sample()
            else:
                self._next = None
        self._trials[wish.number] = trial_id
        self._asked[trial_id] = wish

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and return the decision about its trial."""
        if not np.isfinite(point).all():
            return Decision.STOP
        wish = self._asked.get(trial_id)
        if wish is not None:
            if t < wish.epoch:
                return Decision.CONTINUE
            del self._asked[trial_id]
            self.system.tell(wish, point.tolist())
            self._drop_wish()
        if t >= self.max_t:
            return Decision.COMPLETE
        self._paused.add(trial_id)
        return Decision.PAUSE

    def end(self, trial_id: str, failed: bool) -> None:
        """Note that a trial has ended; what it was asked for may have come to nothing."""
        self._paused.discard(trial_id)
        wish = self._asked.pop(trial_id, None)
        if self._next is not None and self._trials.get(self._next.number) == trial_id:
            wish, self._next = self._next, None
        if wish is not None:
            self.system.forget(wish)
            self._drop_wish()

    def choose(self, new_available: bool) -> str | None:
        """Return the paused trial that the system promotes; None if it wants a new one."""
        self._new_available = new_available
        wish = self._peek()
        trial = self._trials.get(wish.number) if wish.promoted else None
        return trial if trial in self._paused else None

    def resume(self, trial_id: str) -> None:
        """Note that a paused trial continues, as the system has asked."""
        wish, self._next = self._next, None
        assert wish is not None, "only a trial that was chosen is resumed"
        assert self._trials[wish.number] == trial_id, "only a trial that was chosen is resumed"
        self._paused.discard(trial_id)
        self._asked[trial_id] = wish

    def withdraw(self, trial_id: str) -> None:
        """Take out a trial that does not wait any more."""
        self._paused.discard(trial_id)

    def is_paused(self, trial_id: str) -> bool:
        """Return whether the trial is paused."""
        return trial_id in self._paused

    def _peek(self) -> Wish:
        """Return what the system wants; it stays so until it is done or the system learns more."""
        if self._next is None:
            self._next = self.system.ask()
        return self._next

    def _drop_wish(self) -> None:
        """Ask anew next time, if the last wish was for a new trial and there is none any more."""
        if self._next is not None and not (self._next.promoted or self._new_available):
            self.system.forget(self._next)
            self._next = None


class WishSearcher(Searcher):
    """A searcher whose configurations are those that a system wants for new trials.

    Args:
        rule: The rule of the same system.
    """

    def __init__(self, rule: AskedRule) -> None:
        super().__init__()
        self._rule = rule

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Accept the Tuner's settings: the system has its objectives and its space."""
        return True

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """Return the configuration that the system wants; None while it wants a promotion."""
        config = self._rule.take(trial_id)
        return None if config is None else dict(config)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Do nothing: the rule tells the system."""


class AskedScheduler(PromotionScheduler):
    """A promotion scheduler whose decisions are a system's, which ends with the experiment.

    Args:
        rule: The rule of the system.
        objectives: The objectives.
        slots: The number of trials that train at the same time.
        time_attr: The key in a report that counts epochs.
        suggests: Whether the system also suggests; `searcher` must then be the run's searcher.
    """

    def __init__(
        self,
        rule: AskedRule,
        *,
        objectives: ObjectiveSet | Iterable[Objective],
        slots: int,
        time_attr: str,
        suggests: bool = False,
    ) -> None:
        super().__init__(rule, objectives=objectives, slots=slots, time_attr=time_attr)
        self.searcher = WishSearcher(rule) if suggests else None

    def release(self) -> None:
        """Disconnect from an experiment that has ended, and end the system."""
        super().release()
        self.rule.close()
