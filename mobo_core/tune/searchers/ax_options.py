"""The check of options for BoTorch's acquisition optimisers, by name and value."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Collection, Mapping
from typing import Any

from botorch.optim.optimize import (
    optimize_acqf,
    optimize_acqf_discrete,
    optimize_acqf_discrete_local_search,
    optimize_acqf_mixed,
)
from botorch.optim.optimize_mixed import SUPPORTED_OPTIONS, optimize_acqf_mixed_alternating

from mobo_core.checks import checked_count

_OPTIMISERS = (
    optimize_acqf,
    optimize_acqf_discrete,
    optimize_acqf_discrete_local_search,
    optimize_acqf_mixed,
    optimize_acqf_mixed_alternating,
)
_SET_BY_AX = frozenset(
    [
        "acq_function",
        "acq_function_sequence",
        "batch_initial_conditions",
        "bounds",
        "cat_dims",
        "choices",
        "discrete_choices",
        "discrete_dims",
        "equality_constraints",
        "fixed_features",
        "fixed_features_list",
        "ic_gen_kwargs",
        "inequality_constraints",
        "post_processing_func",
        "q",
        "return_acq_values",
        "return_best_only",
        "return_full_tree",
        "X_avoid",
    ]
)
# Options of the search for initial conditions and of scipy's optimiser, beside the mixed one's.
_INNER = SUPPORTED_OPTIONS | frozenset(
    [
        "alpha",
        "eta",
        "init_batch_limit",
        "n_burnin",
        "n_thinning",
        "nonnegative",
        "sample_around_best",
        "sample_around_best_prob_perturb",
        "sample_around_best_sigma",
        "sample_around_best_subset_sigma",
        "seed",
        "thinning",
        "topn",
        "batch_limit",
        "callback",
        "disp",
        "eps",
        "ftol",
        "gtol",
        "max_optimization_problem_aggregation_size",
        "maxcor",
        "maxfun",
        "maxiter",
        "maxls",
        "method",
        "with_grad",
    ]
)
_COUNTS = ("num_restarts", "raw_samples")


def check_optimizer_options(options: Mapping[str, Any] | None) -> None:
    """Refuse options that would make every suggestion of the model fail.

    Which optimiser Ax uses depends on the space, so an option is accepted if one of them has it.

    Args:
        options: Options of BoTorch's acquisition optimisers; None means Ax's defaults.

    Raises:
        ValueError: If a name is unknown or belongs to Ax, or a number is not a whole one ≥ 1.
    """
    if options is None:
        return
    if not isinstance(options, Mapping):
        raise ValueError(f"optimizer_options must be a dict of options, got {options!r}")
    known = {name for f in _OPTIMISERS for name in inspect.signature(f).parameters} - _SET_BY_AX
    _check_names("optimizer_options", options, known)
    for name in _COUNTS:
        if name in options:
            checked_count(f"optimizer_options[{name!r}]", options[name], at_least=1)
    inner = options.get("options", {})
    if not isinstance(inner, Mapping):
        raise ValueError(f"optimizer_options['options'] must be a dict of options, got {inner!r}")
    _check_names("optimizer_options['options']", inner, _INNER)


def _check_names(where: str, options: Mapping[str, Any], known: Collection[str]) -> None:
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f": did you mean {near[0]!r}?" if near else "."
            raise ValueError(
                f"{where} has no option {name!r}{hint} Known options: {', '.join(sorted(known))}"
            )
