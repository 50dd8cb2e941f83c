"""The searcher's model is fitted again: the runs that are examined, and Ax on a plain function."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from bench.analysis import exports, surrogates
from bench.matrix.files import load_matrix
from bench.matrix.problems import make
from bench.records.record import RunRecord
from mobo_core.space import RangeParameter, SearchSpace
from tests.bench.examples import record


def with_model(made: RunRecord) -> RunRecord:
    assert made.result is not None
    trials = tuple(replace(trial, origin=surrogates.MODEL) for trial in made.result.trials)
    return replace(made, result=replace(made.result, trials=trials))


def test_the_first_run_with_a_model_of_each_set_is_chosen_fifo_before_others() -> None:
    other, fifo = with_model(record("median")), [with_model(record(seed=k)) for k in range(2)]
    assert surrogates.choose([other, *fifo]) == [fifo[0]]
    assert surrogates.choose([record(), other]) == [other]
    assert surrogates.choose([record()]) == []


def test_a_folder_of_another_problem_is_told_not_raised() -> None:
    settings = load_matrix("paper").with_dataset("mnist").settings() | {"problem": "of another"}
    (found,) = surrogates.diagnose([with_model(record())], settings, "data", 4)
    assert "of another" in found.error
    assert surrogates.diagnose([with_model(record())], settings, "data", 0) == []


def test_configurations_of_another_space_are_told_not_raised() -> None:
    settings = load_matrix("paper").with_dataset("mnist").settings()
    (found,) = surrogates.diagnose([with_model(record())], settings, "data", 4)
    assert "does not lie in the search space" in found.error
    assert found.fits == ()


@pytest.mark.parametrize(("partial_data", "known"), [("last-value", 3), ("full-fidelity", 2)])
def test_stopped_trials_count_where_the_search_took_them_for_final(
    partial_data: str, known: int
) -> None:
    made = record(curves=((0.91, 0.95), (0.92,), (0.92, 0.93)), params=(80.0, 60.0, 40.0))
    trials = made.result.trials if made.result else ()
    configs = [replace(trial, config={"units": 2.0 + k}) for k, trial in enumerate(trials)]
    made = replace(
        made,
        spec=made.spec | {"searcher": {"name": "ax", "partial_data": partial_data}},
        result=replace(made.result, trials=tuple(configs)),  # type: ignore[type-var]
    )
    space = SearchSpace((RangeParameter("units", 1, 8),))
    experiment = exports.ax_client(made, space, every_report=False)._experiment
    assert surrogates._learned(made, experiment).df["trial_index"].nunique() == known


@pytest.mark.slow
def test_a_smooth_function_is_predicted_well() -> None:
    matrix = load_matrix("synthetic").with_dataset("zdt1")
    space = make("synthetic", "zdt1", "data", matrix.budget.max_epochs).space
    generator = np.random.default_rng(0)
    configs = [space.from_unit(generator.random(len(space))) for _ in range(12)]
    first = space.parameters[0].name
    # One objective is linear in the first parameter alone, the other in all of them.
    values = [(float(c[first]), float(sum(c.values()))) for c in configs]
    made = record(curves=[(0.9,)] * 12, params=[1.0] * 12, max_epochs=1)
    assert made.result is not None
    objectives = tuple(
        replace(made.objectives[1], name=name, reference=99.0, exact=False) for name in ("f1", "f2")
    )
    rows = [{"trial": k, "epoch": 1, "f1": v[0], "f2": v[1]} for k, v in enumerate(values)]
    trials = tuple(
        replace(trial, config=config, origin=surrogates.MODEL)
        for trial, config in zip(made.result.trials, configs, strict=True)
    )
    result = replace(made.result, trials=trials, epochs=pd.DataFrame(rows))
    before = torch.random.get_rng_state()
    run = replace(made, objectives=objectives, result=result)
    (found,) = surrogates.diagnose([run], matrix.settings(), "data", 1)
    assert found.error == ""
    assert torch.equal(torch.random.get_rng_state(), before)
    assert [fit.objective for fit in found.fits] == ["f1", "f2"]
    assert found.fits[0].r2 > 0.9
    assert sorted(found.fits[0].points["observed"]) == pytest.approx(sorted(v[0] for v in values))
    contour = found.contours[0]
    assert first in contour.parameters
    assert contour.means.shape == (len(contour.y), len(contour.x))
    # What Ax predicts rises along the parameter that matters, by about as much as it does.
    along = 1 if contour.parameters[0] == first else 0
    rise = np.ptp(contour.means, axis=along).mean()
    assert rise == pytest.approx(1, abs=0.2)
