"""Tables and notes as data: Markdown and the page are two renderings of the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.formatting import code, markdown

Kind = Literal["figure", "name", "aside", "command"]
"""The kinds of a `Cell`."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Args:
        text: The text that people read.
        value: The number by which the cell sorts; None sorts by the text.
        kind: ``figure`` for text that this package wrote; ``name`` for text that a user or another
            package wrote, which is escaped; ``aside`` for the name of a row that is not a
            scheduler; ``command`` for a command line.
    """

    text: str
    value: float | None = None
    kind: Kind = "figure"

    def to_markdown(self) -> str:
        """Return the text for Markdown; a name's characters never act as markup."""
        if self.kind == "aside":
            return f"*{self.text}*"
        if self.kind == "command":
            return code(self.text)
        return markdown(self.text) if self.kind == "name" else self.text


@dataclass(frozen=True)
class Sheet:
    """A table with its title and the paragraph above it.

    Args:
        title: The title, a few words.
        lead: The text after the title, in the same paragraph: it explains the columns. Title and
            lead may contain names that users chose, so each renderer escapes them.
        header: The headings, one per column.
        rows: The rows; each has one cell per column.
        words: The positions of the columns that hold words; the others hold figures.
        groups: Headings above the header, each with the number of columns it spans; may be empty.
    """

    title: str
    lead: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    words: frozenset[int] = frozenset({0})
    groups: Sequence[tuple[str, int]] = ()

    def to_markdown(self) -> str:
        """Return the paragraph and the table in GitHub-flavoured Markdown."""
        return f"{_paragraph(self.title, self.lead)}\n\n{self.grid()}\n"

    def group_titles(self) -> list[str]:
        """Return the group's heading for each column, an empty string where there is none."""
        titles = [title for title, span in self.groups for _ in range(span)]
        return titles or [""] * len(self.header)

    def grid(self) -> str:
        """Return the table alone in Markdown."""
        rule = ["---" if k in self.words else "---:" for k in range(len(self.header))]
        header = [markdown(heading) for heading in self.header]
        cells = [[cell.to_markdown() for cell in row] for row in self.rows]
        rows = ([f" {text} " if text else " " for text in row] for row in (header, rule, *cells))
        return "\n".join(f"|{'|'.join(row)}|" for row in rows)


@dataclass(frozen=True)
class Note:
    """A paragraph whose first words may be a title.

    Args:
        text: The text after the title. It begins with a space if there is a title.
        title: The first words, in bold; may be empty.
        link: The words and the target of a link after the text; None for no link. The target is
            an anchor of the same document, such as ``#words``.
    """

    text: str
    title: str = ""
    link: tuple[str, str] | None = None

    def to_markdown(self) -> str:
        """Return the paragraph and an empty line."""
        link = f" [{self.link[0]}]({self.link[1]})" if self.link else ""
        return f"{_paragraph(self.title, self.text)}{link}\n"


Block = Sheet | Note
"""One part of a report's text."""


def to_markdown(blocks: Sequence[Block]) -> str:
    """Return all blocks in Markdown, one after the other."""
    return "\n".join(block.to_markdown() for block in blocks)


def named(text: object, value: float | None = None) -> Cell:
    """Return a cell with a name or message that users or other packages wrote, on one line."""
    return Cell(" ".join(str(text).split()), value, "name")


def _paragraph(title: str, text: str) -> str:
    bold = f"**{markdown(title)}**" if title else ""
    gap = " " if title and text[:1].isspace() else ""
    return bold + gap + markdown(text)
