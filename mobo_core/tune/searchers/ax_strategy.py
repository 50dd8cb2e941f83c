"""The generation strategy of `AxSearcher`: Sobol points first, then BoTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ax.adapter.registry import Generators
from ax.core.data_utils import DataLoaderConfig
from ax.core.trial_status import TrialStatus
from ax.generation_strategy.generation_node import GenerationNode
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.generation_strategy.generator_spec import GeneratorSpec
from ax.generation_strategy.transition_criterion import MinTrials

from mobo_core.tune.searchers.ax_names import BOTORCH_NODE, SOBOL_NODE, PartialData


def sobol_then_botorch(
    *,
    seed: int,
    initialization_trials: int,
    partial_data: PartialData,
    optimizer_options: Mapping[str, Any] | None,
) -> GenerationStrategy:
    """Return a strategy that never waits: any number of trials may be pending at any time.

    The model takes over when two conditions hold: `initialization_trials` trials have not failed,
    and at least two of them have data that the model may use (one, if `initialization_trials` is
    1). Until then Sobol points continue, so failed or early-stopped trials cannot stall the search.

    Args:
        seed: The seed of the Sobol sequence.
        initialization_trials: The number of Sobol trials before the model takes over, ≥ 1.
        partial_data: What the model learns from early-stopped trials; see `AxSearcher`.
        optimizer_options: Options of BoTorch's acquisition optimiser; None takes Ax's defaults.
    """
    usable = [TrialStatus.COMPLETED]
    if partial_data != "full-fidelity":
        usable.append(TrialStatus.EARLY_STOPPED)
    sobol = GenerationNode(
        name=SOBOL_NODE,
        generator_specs=[
            GeneratorSpec(generator_enum=Generators.SOBOL, generator_kwargs={"seed": seed})
        ],
        transition_criteria=[
            MinTrials(
                threshold=initialization_trials,
                transition_to=BOTORCH_NODE,
                use_all_trials_in_exp=True,
                not_in_statuses=[TrialStatus.FAILED, TrialStatus.ABANDONED],
            ),
            MinTrials(
                threshold=min(2, initialization_trials),
                transition_to=BOTORCH_NODE,
                use_all_trials_in_exp=True,
                only_in_statuses=usable,
                count_only_trials_with_data=True,
            ),
        ],
        should_deduplicate=True,
    )
    gen_options: dict[str, Any] = (
        {"model_gen_options": {"optimizer_kwargs": dict(optimizer_options)}}
        if optimizer_options
        else {}
    )
    botorch = GenerationNode(
        name=BOTORCH_NODE,
        generator_specs=[
            GeneratorSpec(
                generator_enum=Generators.BOTORCH_MODULAR,
                generator_kwargs={"data_loader_config": _data_loader_config(partial_data)},
                generator_gen_kwargs=gen_options,
            )
        ],
        should_deduplicate=True,
    )
    return GenerationStrategy(name="Sobol+BoTorch", nodes=[sobol, botorch])


def _data_loader_config(partial_data: PartialData) -> DataLoaderConfig:
    if partial_data == "full-fidelity":
        return DataLoaderConfig(fit_only_completed_map_metrics=True)
    if partial_data == "last-value":
        return DataLoaderConfig(latest_rows_per_group=1)
    return DataLoaderConfig(latest_rows_per_group=None)
