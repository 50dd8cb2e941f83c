"""Where commands print."""

from __future__ import annotations

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 200

console = Console(highlight=False)
if not console.is_terminal:
    # A log or a pipe has no width of its own: leave wide tables whole.
    console = Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)
