"""What a section of the page is made of; how it looks is in the templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bench.report.tables_and_notes import Note, Sheet

Spec = dict[str, Any]
"""A Plotly figure: ``data`` and ``layout``, without what depends on the theme."""
Specs = dict[tuple[int, ...], Spec]
"""Number of the option of each dimension → the figure."""


@dataclass(frozen=True)
class Dimension:
    """One choice among figures.

    Args:
        label: Of the list that it is chosen from.
        options: As people read them.
    """

    label: str
    options: Sequence[str]


@dataclass(frozen=True)
class Figures:
    """One figure, or some of which one is shown at a time.

    Args:
        name: Unique on the page; letters, digits and hyphens.
        title: A few words.
        caption: What is seen, in place of the picture too.
        specs: All of them; a combination of options may lack.
        dimensions: Of the choice; none with a single figure.
    """

    name: str
    title: str
    caption: str
    specs: Specs
    dimensions: Sequence[Dimension] = ()
    kind: ClassVar[str] = "figures"


@dataclass(frozen=True)
class Grid:
    """A table that sorts, and filters if it is long.

    Args:
        name: Unique on the page; letters, digits and hyphens.
        sheet: Title, lead and cells.
        folded: What opens it; empty shows it at once.
        rows: Shown at a time; a table with more has pages.
    """

    name: str
    sheet: Sheet
    folded: str = ""
    rows: int = 25
    kind: ClassVar[str] = "grid"


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    note: Note
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Facts:
    """Names and values, a list."""

    entries: Sequence[tuple[str, str]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Heading:
    """Of a part of a section."""

    text: str
    kind: ClassVar[str] = "heading"


Part = Figures | Grid | Text | Facts | Heading


@dataclass(frozen=True)
class Section:
    """A section of the page, with a link to it.

    Args:
        name: Of the link; letters, digits and hyphens.
        title: Heading.
        parts: From top to bottom; a section without any is left out.
    """

    name: str
    title: str
    parts: Sequence[Part] = field(default_factory=tuple)
