"""Silence the libraries' messages, so that the terminal shows only the progress.

Every process imports this module first, so it must not import anything slow.
"""

from __future__ import annotations

import logging
import signal
import sys
import warnings


def silence_imports() -> None:
    """Silence what PyTorch, Ray and Ax print on import. Call it before they are imported."""
    warnings.filterwarnings("ignore", category=FutureWarning, module="torch")
    logging.disable(logging.INFO)


def begin_process() -> None:
    """Prepare a new worker process: silence its imports and leave Ctrl-C to its parent."""
    silence_imports()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def silence_runs() -> None:
    """Silence the libraries during a run. The records hold what they would print.

    Call it once the run's searcher and scheduler are made. A library that has not been imported by
    then is not used, and importing Ax, which takes seconds, only to silence it would delay every
    process.
    """
    if "ax" in sys.modules:
        from ax.utils.common.logger import set_ax_logger_levels
        from linear_operator.utils.warnings import NumericalWarning

        set_ax_logger_levels(logging.ERROR)
        warnings.filterwarnings("ignore", category=NumericalWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="botorch")
    if "optuna" in sys.modules:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
    for name in ("ray.tune", "torch.utils.cpp_extension"):
        logging.getLogger(name).setLevel(logging.ERROR)
