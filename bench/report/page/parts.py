"""The parts that a section of the page consists of; the templates define their look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bench.report.tables_and_notes import Note, Sheet

Spec = dict[str, Any]
"""A Plotly figure: ``data`` and ``layout``, without what depends on the colours of the page.

``compact``, if it is there, replaces entries of the layout on a narrow screen.
"""
Specs = dict[tuple[int, ...], Spec]
"""Number of the chosen option in each dimension → the figure."""


@dataclass(frozen=True)
class Dimension:
    """One choice among figures.

    Args:
        label: The label of the list of options.
        options: The options, as people read them.
    """

    label: str
    options: Sequence[str]


@dataclass(frozen=True)
class Figures:
    """One figure, or several figures of which one is shown at a time.

    Args:
        name: A name that is unique on the page; letters, digits and hyphens.
        title: The title, a few words.
        caption: The text below, which must also serve readers who cannot see the figure.
        specs: The figures; a combination of options may be missing.
        dimensions: The choices among the figures; empty for a single figure.
        headline: A sentence above the figure; empty for none.
    """

    name: str
    title: str
    caption: str
    specs: Specs
    dimensions: Sequence[Dimension] = ()
    headline: str = ""
    kind: ClassVar[str] = "figures"


@dataclass(frozen=True)
class Grid:
    """A table that readers can sort, and filter if it is long.

    Args:
        name: A name that is unique on the page; letters, digits and hyphens.
        sheet: The title, the lead and the cells.
        folded: The words that open a folded table; empty for a table that is open.
        rows: The number of rows that are shown at a time; a longer table has pages.
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
    """A list of names and values.

    Args:
        entries: Pairs of a name and a value; a name may come several times in a row.
    """

    entries: Sequence[tuple[str, str]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Heading:
    """The heading of a part of a section."""

    text: str
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Glossary:
    """A list of words and their explanations, with a link target for each word.

    Args:
        entries: Pairs of a word and its explanation.
    """

    entries: Sequence[tuple[str, str]]
    kind: ClassVar[str] = "glossary"


Part = Figures | Grid | Text | Facts | Heading | Glossary


@dataclass(frozen=True)
class Section:
    """A section of the page, with a link to it.

    Args:
        name: The target of the link; letters, digits and hyphens.
        title: The heading.
        parts: The parts from top to bottom; a section without parts is left out.
    """

    name: str
    title: str
    parts: Sequence[Part] = field(default_factory=tuple)
