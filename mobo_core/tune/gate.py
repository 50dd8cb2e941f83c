"""A searcher that is asked only when a scheduler has room for a new trial."""

from __future__ import annotations

from typing import Any, Protocol

from ray.tune.search import Searcher


class Asker(Protocol):
    """What the gate needs to know of a scheduler."""

    def wants_new_trial(self) -> bool:
        """Whether a slot is free that should go to a new trial."""
        ...

    def last_result(self, trial_id: str) -> dict[str, Any] | None:
        """Last report of a trial that was paused; Tune does not tell searchers how those end."""
        ...


class Gate(Searcher):
    """Asks the searcher only when the scheduler wants a new trial; passes all else on."""

    def __init__(self, inner: Searcher, asker: Asker) -> None:
        super().__init__()
        self._inner = inner
        self._asker = asker
        self.waits = False
        """Whether the searcher had nothing to suggest when it was last asked."""

    def suggest(  # type: ignore[override]  # Ray's own annotation forgets FINISHED
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """The searcher's suggestion, or None to be asked again."""
        if not self._asker.wants_new_trial():
            return None
        config: dict[str, Any] | str | None = self._inner.suggest(trial_id)
        self.waits = config is None
        return config

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Passed on."""
        self._inner.on_trial_result(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Passed on, with the last report of a trial that ends while it waits."""
        paused_result = self._asker.last_result(trial_id)
        self._inner.on_trial_complete(trial_id, result or paused_result, error)

    def save(self, checkpoint_path: str) -> None:
        """Passed on: the file is the searcher's own, and Tune restores it without this gate."""
        self._inner.save(checkpoint_path)

    def restore(self, checkpoint_path: str) -> None:
        """Passed on."""
        self._inner.restore(checkpoint_path)
