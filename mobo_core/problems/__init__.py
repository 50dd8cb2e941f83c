"""Problems: a search space, and training (or a table) that reports metrics per epoch."""

from mobo_core.problems.protocol import Problem, Training, TrainingSource

__all__ = ["Problem", "Training", "TrainingSource"]
