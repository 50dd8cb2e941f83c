"""Silence of libraries that talk; the terminal is for the progress.

Importing this module loads nothing heavy: it is what processes begin with.
"""

from __future__ import annotations

import logging
import signal
import warnings


def silence_imports() -> None:
    """Before PyTorch, Ray and Ax are imported."""
    warnings.filterwarnings("ignore", category=FutureWarning, module="torch")
    logging.disable(logging.INFO)


def begin_process() -> None:
    """In a new process of ours: hushed, and Ctrl-C is for its parent to act on."""
    silence_imports()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def silence_runs() -> None:
    """While runs are made: what these say per suggestion is in the records."""
    import optuna
    from ax.utils.common.logger import set_ax_logger_levels
    from linear_operator.utils.warnings import NumericalWarning

    set_ax_logger_levels(logging.ERROR)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for name in ("ray.tune", "torch.utils.cpp_extension"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=NumericalWarning)
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="botorch")
