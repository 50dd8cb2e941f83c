"""Tables and notes as data, so that Markdown and the page are two renderings of one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.formatting import code, markdown

Kind = Literal["figure", "name", "aside", "command"]


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Args:
        text: As people read it.
        value: By which the cell sorts; None is the text itself.
        kind: ``figure`` is a text of ours; ``name`` comes from others and is shown as it is;
            ``aside`` is a row that is no scheduler; ``command`` is typed in a terminal.
    """

    text: str
    value: float | None = None
    kind: Kind = "figure"

    def to_markdown(self) -> str:
        """The text, with nothing of others left to be markup."""
        if self.kind == "aside":
            return f"*{self.text}*"
        if self.kind == "command":
            return code(self.text)
        return markdown(self.text) if self.kind == "name" else self.text


@dataclass(frozen=True)
class Sheet:
    """A table.

    Args:
        title: A few words.
        lead: What goes on after the title: what is shown, in one paragraph. Like the title it may
            have names of others in it, and is escaped by what renders it.
        header: Headings, one a column.
        rows: Cells, as many as headings.
        words: Numbers of the columns that hold words, not figures.
        groups: Headings over so many columns each; empty for none.
    """

    title: str
    lead: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    words: frozenset[int] = frozenset({0})
    groups: Sequence[tuple[str, int]] = ()

    def to_markdown(self) -> str:
        """GitHub-flavoured Markdown: the paragraph and the table, an empty line after each."""
        return f"{_paragraph(self.title, self.lead)}\n\n{self.grid()}\n"

    def group_titles(self) -> list[str]:
        """For each column the heading over it; empty without one."""
        titles = [title for title, span in self.groups for _ in range(span)]
        return titles or [""] * len(self.header)

    def grid(self) -> str:
        """The table alone."""
        rule = ["---" if k in self.words else "---:" for k in range(len(self.header))]
        header = [markdown(heading) for heading in self.header]
        cells = [[cell.to_markdown() for cell in row] for row in self.rows]
        rows = ([f" {text} " if text else " " for text in row] for row in (header, rule, *cells))
        return "\n".join(f"|{'|'.join(row)}|" for row in rows)


@dataclass(frozen=True)
class Note:
    """A paragraph, its first words as a title.

    Args:
        text: What goes on after the title.
        title: May be empty.
    """

    text: str
    title: str = ""

    def to_markdown(self) -> str:
        """One paragraph and an empty line."""
        return _paragraph(self.title, self.text) + "\n"


Block = Sheet | Note


def to_markdown(blocks: Sequence[Block]) -> str:
    """All of them, one after the other."""
    return "\n".join(block.to_markdown() for block in blocks)


def named(text: object, value: float | None = None) -> Cell:
    """A cell with a name or message of others."""
    return Cell(" ".join(str(text).split()), value, "name")


def _paragraph(title: str, text: str) -> str:
    bold = f"**{markdown(title)}**" if title else ""
    gap = " " if title and text[:1].isspace() else ""
    return bold + gap + markdown(text)
