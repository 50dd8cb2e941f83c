"""The generation strategy of `AxSearcher`: Sobol points first, then BoTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from ax.adapter.registry import Generators
from ax.core.trial_status import TrialStatus
from ax.generation_strategy.generation_node import GenerationNode
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.generation_strategy.generator_spec import GeneratorSpec
from ax.generation_strategy.transition_criterion import MinTrials

from mobo_core.checks import checked_count
from mobo_core.space import SearchSpace
from mobo_core.tune.compat import data_loader_config
from mobo_core.tune.searchers.ax_names import BOTORCH_NODE, SOBOL_NODE, PartialData
from mobo_core.tune.searchers.ax_options import check_optimizer_options


@dataclass(frozen=True)
class ModelOptions:
    """When the model takes over, what it learns from, and how it searches.

    Args:
        initialization_trials: The number of Sobol trials before the model takes over, ≥ 1.
        partial_data: What the model learns from early-stopped trials; see `AxSearcher`.
        optimizer_options: Options of BoTorch's acquisition optimiser; None takes Ax's defaults.

    Raises:
        ValueError: If one of them is no such value.
    """

    initialization_trials: int = 5
    partial_data: PartialData = "full-fidelity"
    optimizer_options: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        count = checked_count("initialization_trials", self.initialization_trials, at_least=1)
        object.__setattr__(self, "initialization_trials", count)
        if self.partial_data not in get_args(PartialData):
            raise ValueError(
                f"partial_data must be one of {get_args(PartialData)}, got {self.partial_data!r}"
            )
        check_optimizer_options(self.optimizer_options)


def sobol_then_botorch(options: ModelOptions, space: SearchSpace, seed: int) -> GenerationStrategy:
    """Return a strategy that never waits: any number of trials may be pending at any time.

    The model takes over when two conditions hold: `initialization_trials` trials have not failed,
    and at least two of them have data that the model may use (one, if `initialization_trials` is
    1). Until then Sobol points continue, so failed or early-stopped trials cannot stall the search.

    Args:
        options: When the model takes over, what it learns from, and how it searches.
        space: The search space. If it is conditional, Ax does not ask a model that repeats a
            configuration five times over: Ax's own Sobol point after that may be a repeat, too.
        seed: The seed of the Sobol sequence.
    """
    usable = [TrialStatus.COMPLETED]
    if options.partial_data != "full-fidelity":
        usable.append(TrialStatus.EARLY_STOPPED)
    # Names of nodes and options of generators are passed by position: Ax 1.1 calls these arguments
    # something else.
    sobol = GenerationNode(
        SOBOL_NODE,
        generator_specs=[GeneratorSpec(Generators.SOBOL, {"seed": seed})],
        transition_criteria=[
            MinTrials(
                threshold=options.initialization_trials,
                transition_to=BOTORCH_NODE,
                use_all_trials_in_exp=True,
                not_in_statuses=[TrialStatus.FAILED, TrialStatus.ABANDONED],
            ),
            MinTrials(
                threshold=min(2, options.initialization_trials),
                transition_to=BOTORCH_NODE,
                use_all_trials_in_exp=True,
                only_in_statuses=usable,
                count_only_trials_with_data=True,
            ),
        ],
        should_deduplicate=True,
    )
    gen_options: dict[str, Any] = (
        {"model_gen_options": {"optimizer_kwargs": dict(options.optimizer_options)}}
        if options.optimizer_options
        else {}
    )
    botorch = GenerationNode(
        BOTORCH_NODE,
        generator_specs=[
            GeneratorSpec(
                Generators.BOTORCH_MODULAR,
                {"data_loader_config": _data_loader_config(options.partial_data)},
                gen_options,
            )
        ],
        should_deduplicate=not space.is_conditional,
    )
    return GenerationStrategy(name="Sobol+BoTorch", nodes=[sobol, botorch])


def _data_loader_config(partial_data: PartialData) -> Any:
    if partial_data == "full-fidelity":
        return data_loader_config(only_completed_curves=True)
    if partial_data == "last-value":
        return data_loader_config(latest_rows_per_group=1)
    return data_loader_config(latest_rows_per_group=None)
