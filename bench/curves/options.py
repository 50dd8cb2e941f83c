"""What a user may say about a source where its own names do not tell."""

from __future__ import annotations

from dataclasses import dataclass, fields

FORMATS = ("auto", "tune", "table", "optuna", "tensorboard", "wandb", "mlflow")


@dataclass(frozen=True)
class SourceOptions:
    """The names in a source.

    Args:
        format: One of `FORMATS`; ``auto`` looks at the files.
        time_attr: The counter that orders a trial's reports; empty finds one.
        trial_column: The column of a table that tells its trials apart; empty finds one.
        config: Columns or metrics that are hyper-parameters; empty finds them.
        study: The name of an Optuna study; empty takes the only one.
    """

    format: str = "auto"
    time_attr: str = ""
    trial_column: str = ""
    config: tuple[str, ...] = ()
    study: str = ""

    def given(self) -> set[str]:
        """Return the names of the options that are not empty, without the format."""
        return {f.name for f in fields(self) if f.name != "format" and getattr(self, f.name)}


def flag(name: str) -> str:
    """Return how a user types an option: ``--time-attr`` for ``time_attr``."""
    return f"--{name.replace('_', '-')}"
