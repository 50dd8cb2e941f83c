"""The rivals' systems: which of them are installed, and what to do about the others."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from mobo_core.extras import is_installed

REMEDY = "run 'make rivals' once"
"""What installs all systems."""


@dataclass(frozen=True)
class System:
    """A system of others.

    Args:
        title: Its name.
        package: The name of its top-level package; empty if it has an environment of its own.
        environment: The folder of its own environment, inside the one that runs; empty if it is
            installed beside this project.
    """

    title: str
    package: str = ""
    environment: str = ""

    @property
    def python(self) -> Path:
        """The Python that runs the system."""
        return Path(sys.prefix, self.environment, "bin", "python")

    def missing(self) -> str:
        """Return why the system cannot be used, with the remedy; empty if it can.

        Example:
            >>> System("NumPy", "numpy").missing()
            ''
            >>> System("Absent", "absent_package").missing()
            "Absent is not installed: run 'make rivals' once"
        """
        there = self.python.exists() if self.environment else is_installed(self.package)
        return "" if there else f"{self.title} is not installed: {REMEDY}"


AX = System("Ax", "ax")
DEEPHYPER = System("DeepHyper", "deephyper")
NEPS = System("NePS", environment="neps")
SMAC = System("SMAC", "smac")
SYNE_TUNE = System("Syne Tune", "syne_tune")
