"""SMAC's multi-fidelity search with several objectives, by ask and tell.

Source: https://github.com/automl/SMAC3, version 2.4: Hyperband with a random forest, and ParEGO.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path

from smac import MultiFidelityFacade, Scenario
from smac.multi_objective.parego import ParEGO
from smac.runhistory import StatusType, TrialInfo, TrialValue

from bench.rivals.asked import Wish
from bench.rivals.config_space import from_config, to_config_space
from bench.rivals.global_random import GlobalRandom
from mobo_core.space import SearchSpace

TRIALS = 100
"""The number of trials for which SMAC plans its initial design, if the run's is not known."""
SILENT = 50
"""The level of Python's logging above which SMAC says something."""


@dataclass(frozen=True)
class SMACSettings:
    """The settings of SMAC's `MultiFidelityFacade`.

    Args:
        space: The search space.
        objectives: The objectives' names.
        max_t: The full budget of a trial.
        eta: The ratio of neighbouring budgets.
        trials: The number of configurations of the run; None if it is not known.
        seed: The seed of all draws.
    """

    space: SearchSpace
    objectives: tuple[str, ...]
    max_t: int
    eta: int = 3
    trials: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.eta, int) or isinstance(self.eta, bool) or self.eta < 2:
            raise ValueError(f"eta must be a whole number of at least 2, got {self.eta!r}")
        to_config_space(self.space, self.seed)  # refuses a space that cannot be passed on


class SMACSystem:
    """SMAC, by ask and tell. It writes a few files while it lives, in a temporary folder.

    Args:
        settings: The settings.
    """

    def __init__(self, settings: SMACSettings) -> None:
        self._space = settings.space
        self._objectives = len(settings.objectives)
        self._random = GlobalRandom(settings.seed)
        self._infos: dict[str, TrialInfo] = {}
        self._numbers: dict[object, str] = {}
        folder = Path(tempfile.mkdtemp(prefix="smac-"))
        self._end = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        scenario = Scenario(
            to_config_space(settings.space, settings.seed),
            output_directory=folder,
            objectives=list(settings.objectives),
            n_trials=settings.trials or TRIALS,
            min_budget=1,
            max_budget=settings.max_t,
            seed=settings.seed,
        )
        with self._random.used():
            self._facade = MultiFidelityFacade(
                scenario,
                _never_called,
                multi_objective_algorithm=ParEGO(scenario),
                # With its default the combination fails after some results.
                intensifier=MultiFidelityFacade.get_intensifier(
                    scenario, eta=settings.eta, incumbent_selection="highest_budget"
                ),
                logging_level=SILENT,
                overwrite=True,
            )

    def ask(self) -> Wish:
        """Return what SMAC wants next."""
        with self._random.used():
            info = self._facade.ask()
        assert info.budget is not None, "Hyperband asks for budgets"
        config = from_config(self._space, info.config)
        promoted = info.config in self._numbers
        number = self._numbers.setdefault(info.config, str(len(self._numbers)))
        wish = Wish(str(len(self._infos)), number, promoted, max(1, round(info.budget)), config)
        self._infos[wish.id] = info
        return wish

    def sample(self) -> Wish:
        """Refuse: SMAC's trials are its own suggestions.

        Raises:
            ValueError: Always.
        """
        raise ValueError("SMAC suggests by itself: take the scheduler's own searcher")

    def tell(self, wish: Wish, point: list[float]) -> None:
        """Report the objectives of what was wished for."""
        self._tell(wish, TrialValue(cost=point, time=float(wish.epoch)))

    def forget(self, wish: Wish) -> None:
        """Report a failure, which is what SMAC has for a trial without a result."""
        cost = [float("inf")] * self._objectives
        self._tell(wish, TrialValue(cost=cost, status=StatusType.CRASHED))

    def close(self) -> None:
        """Remove the temporary folder."""
        self._end()

    def _tell(self, wish: Wish, value: TrialValue) -> None:
        with self._random.used():
            self._facade.tell(self._infos[wish.id], value, save=False)


def _never_called(config: object, seed: int, budget: float) -> float:
    """Stand for a target function, which SMAC needs, though it only suggests here."""
    raise AssertionError("SMAC is driven by ask and tell")
