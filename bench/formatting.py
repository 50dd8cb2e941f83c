"""Numbers, names and tables as people read them."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd
from rich.markup import escape
from rich.table import Table


def duration(seconds: float) -> str:
    """Return a duration such as ``1h02m``, ``17m33s`` or ``8.4s``."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"


def percent(share: float) -> str:
    """Return a share in per cent, such as ``46.7 %`` for 0.467, or a dash for NaN."""
    return "–" if np.isnan(share) else f"{100 * share:.1f} %"


def significant(value: float) -> str:
    """Return five significant digits without an exponent, such as ``6026.9`` or ``0.029985``."""
    return np.format_float_positional(value, precision=5, unique=False, fractional=False, trim="-")


def ratio(value: float) -> str:
    """Return a ratio with three decimals."""
    return f"{value:.3f}"


def whole(value: float) -> str:
    """Return a count, or a mean of counts with one decimal."""
    return f"{round(value, 1):g}"


def count(number: int, thing: str) -> str:
    """Return a number and its noun, such as ``1 run`` or ``16 runs``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


PLURALS = {
    "epoch": "epochs",
    "iteration": "iterations",
    "step": "steps",
    "Step": "steps",
    "training_iteration": "iterations",
}
"""Counter → what people call several of its units."""


def steps(number: float, counter: str) -> str:
    """Return a number of a counter's steps, such as ``12 epochs`` or ``12 units of t``."""
    plural = PLURALS.get(counter)
    if plural is None:
        return f"{number:.10g} unit{'' if number == 1 else 's'} of {counter}"
    return f"{number:.10g} {plural.removesuffix('s') if number == 1 else plural}"


def markdown(text: object) -> str:
    """Return text as one line of Markdown in which nothing acts as markup, also in a table."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return re.sub(r"([\\`*\[\]|])", r"\\\1", line)


def code(text: object) -> str:
    """Return text as one line of code in Markdown."""
    return "`" + " ".join(str(text).split()).replace("`", "'") + "`"


def rich_table(frame: pd.DataFrame, title: str) -> Table:
    """Return a data frame as a table for the terminal, numbers with two decimals."""
    table = Table(title=escape(title), title_justify="left")
    for name in frame.columns:
        text = not pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(escape(str(name)), justify="left" if text else "right")
    for row in frame.itertuples(index=False):
        table.add_row(*(f"{v:.2f}" if isinstance(v, float) else escape(str(v)) for v in row))
    return table


def markdown_table(frame: pd.DataFrame) -> str:
    """Return a data frame in GitHub-flavoured Markdown, numbers with two decimals."""
    numeric = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame.columns]
    rows = [
        [f"{value:.2f}" if isinstance(value, float) else str(value) for value in row]
        for row in frame.itertuples(index=False)
    ]
    rule = ["---:" if number else "---" for number in numeric]
    lines = [[str(name) for name in frame.columns], rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
