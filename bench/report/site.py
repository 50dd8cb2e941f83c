"""A folder of reports as one small static site: a front page, and each report as HTML.

The site works without a network and without scripts; only a report's interactive page has some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from rich.console import Console

from bench.analysis import surrogates
from bench.errors import UserError
from bench.records import files
from bench.report import overview, page, report_data
from bench.report.write import PAGE, TEXT

OVERVIEW = "overview.png"
PICTURE = "figures/savings.png"
DOCUMENTS = {"report": "tables and figures", "comparison": "comparison", "speed": "where time goes"}
"""The documents that a report's folder may hold, in order, and what a link to each says."""
VIRTUAL = "in virtual time"
"""The end of a report's subject when its runs trained nothing."""


@dataclass(frozen=True)
class Document:
    """A Markdown file as HTML.

    Args:
        title: The text of its first heading.
        paragraphs: The texts of the paragraphs that follow on the title, without markup.
        picture: The path of its first picture, relative to its folder; None without one.
        body: The HTML.
    """

    title: str
    paragraphs: Sequence[str]
    picture: str | None
    body: str


@dataclass(frozen=True)
class Card:
    """What the front page shows of one report.

    Args:
        name: The name of the report's folder.
        title: The title of its matrix.
        subject: One line: what was run on which data.
        headline: One sentence: what was found.
        picture: The path of a picture, relative to the site; None without one.
        links: Pairs of a path, relative to the site, and the words of the link to it.
    """

    name: str
    title: str
    subject: str
    headline: str
    picture: str | None
    links: Sequence[tuple[str, str]]


def write(
    reports_dir: Path,
    results_dir: Path,
    console: Console,
    *,
    data_dir: str = "data",
    models: int = 0,
) -> None:
    """Write ``index.html`` and the overview figure into a folder of reports, and each as HTML.

    Where a report's records are there, its interactive page is made too.

    Args:
        reports_dir: The folder that holds the reports, each in a folder of its own.
        results_dir: The folder that holds the records, under the same names as the reports.
        console: Prints the path of the front page.
        data_dir: The folder with the files that some search spaces are read from.
        models: The number of runs, at most, whose searcher's model each interactive page shows.

    Raises:
        UserError: If there is no report, or something cannot be read or written.
    """
    folders = sorted(path.parent for path in reports_dir.glob(f"*/{TEXT}"))
    if not folders:
        raise UserError(
            f"{reports_dir} holds no reports; expected folders with a {TEXT}, as "
            "'mobo-bench report' writes them"
        )
    files.check_folder(reports_dir)  # before the minutes that the pages may take
    environment = _environment()
    cards = []
    try:
        for folder in folders:
            records = results_dir / folder.name
            if records.is_dir():
                with console.status(f"drawing {folder.name}"):
                    _write_page(records, folder / PAGE, data_dir, models)
            cards.append(_write_documents(folder, environment))
        compared = overview.collect(folders)
        if not compared.empty:
            with files.staged(reports_dir / OVERVIEW) as staging:
                overview.write(compared, staging)
        front = environment.get_template("site.html.j2").render(
            groups=_groups(cards),
            overview=None if compared.empty else OVERVIEW,
            table=None if compared.empty else html_table(overview.table(compared)),
        )
        files.write_text(reports_dir / PAGE, front)
    except OSError as error:
        raise UserError(f"cannot write the site to {reports_dir}: {error}") from error
    console.print(f"site: {reports_dir / PAGE}", soft_wrap=True, markup=False)


def document(text: str, folder: Path) -> str:
    """Return a Markdown text as a page of its own, which works without a network.

    Args:
        text: GitHub-flavoured Markdown.
        folder: The folder that the text's links and pictures are relative to.
    """
    read_text = read(text, folder)
    return (
        _environment()
        .get_template("document.html.j2")
        .render(
            title=read_text.title,
            body=Markup(read_text.body),  # noqa: S704 - HTML in the text was escaped
            home=None,
        )
    )


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("bench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _write_page(records: Path, path: Path, data_dir: str, models: int) -> None:
    """Write a report's interactive page, with a link back to the front page."""
    found = report_data.gather(records)
    diagnosed = surrogates.diagnose(found.finished, found.settings, data_dir, models)
    files.write_text(path, page.render(found, diagnosed, home=f"../{PAGE}"))


def _write_documents(folder: Path, environment: Environment) -> Card:
    """Write each Markdown file of a report as HTML; return the report's card."""
    links = [(f"{folder.name}/{PAGE}", "interactive page")] if (folder / PAGE).is_file() else []
    for name, words in DOCUMENTS.items():
        source = folder / f"{name}.md"
        if not source.is_file():
            continue
        document = read(source.read_text("utf-8"), source.parent)
        text = environment.get_template("document.html.j2").render(
            title=document.title,
            body=Markup(document.body),  # noqa: S704 - HTML in the text was escaped
            home=f"../{PAGE}",
        )
        files.write_text(folder / f"{name}.html", text)
        links.append((f"{folder.name}/{name}.html", words))
    return _card(folder, links)


def _card(folder: Path, links: Sequence[tuple[str, str]]) -> Card:
    report = read((folder / TEXT).read_text("utf-8"), folder)
    subject, headline = (*report.paragraphs, "", "")[:2]
    picture = PICTURE if (folder / PICTURE).is_file() else report.picture
    return Card(
        name=folder.name,
        title=report.title,
        subject=subject,
        headline=headline,
        picture=f"{folder.name}/{picture}" if picture else None,
        links=links,
    )


def _groups(cards: Sequence[Card]) -> list[tuple[str, list[Card]]]:
    """Return the cards under a heading each for real training and for virtual time."""
    virtual = [card for card in cards if VIRTUAL in card.subject]
    real = [card for card in cards if card not in virtual]
    groups = [("Real training on Ray", real), ("Virtual time: no training, many seeds", virtual)]
    return [(title, members) for title, members in groups if members]


def read(text: str, folder: Path) -> Document:
    """Return a Markdown text as HTML.

    Links to Markdown files that the site has as HTML too lead to the HTML. Markup of HTML in the
    text is shown, not obeyed.

    Args:
        text: GitHub-flavoured Markdown.
        folder: The folder that the text's links are relative to.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    # Wide tables scroll by themselves, so that the page stays as wide as the window.
    parser.add_render_rule("table_open", lambda *_: '<div class="table" tabindex="0"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    tokens = parser.parse(text)
    title, paragraphs = "", []
    for opening, token in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h1":
            title = _plain(token)
        elif opening.type == "paragraph_open":
            paragraphs.append(_plain(token))
    inner = [child for token in tokens for child in token.children or []]
    for child in inner:
        target = str(child.attrs.get("href", ""))
        if child.type == "link_open" and _is_document(target, folder):
            child.attrs["href"] = target.removesuffix(".md") + ".html"
    pictures = [str(child.attrs["src"]) for child in inner if child.type == "image"]
    body = parser.renderer.render(tokens, parser.options, {})
    return Document(title, paragraphs, pictures[0] if pictures else None, body)


def html_table(text: str) -> Markup:
    """Return a Markdown table as HTML that can stand in a template."""
    return Markup(read(text, Path()).body)  # noqa: S704 - HTML in the text was escaped


def _is_document(target: str, folder: Path) -> bool:
    path = Path(target)
    return path.suffix == ".md" and path.stem in DOCUMENTS and (folder / path).is_file()


def _plain(token: Token) -> str:
    """Return the text of a paragraph or heading without its markup."""
    words = {"text", "code_inline"}
    parts = [
        child.content if child.type in words else " " if child.type == "softbreak" else ""
        for child in token.children or []
    ]
    return "".join(parts)
