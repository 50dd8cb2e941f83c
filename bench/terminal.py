"""The console on which all commands print."""

from __future__ import annotations

import os

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 200
"""Characters per line in a log or a pipe, unless ``COLUMNS`` is set."""

console = Console(highlight=False)
if not console.is_terminal and not os.environ.get("COLUMNS"):
    # A log or a pipe has no width of its own. A large one keeps wide tables whole.
    console = Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)
