"""The sections of the page in their order, and the HTML file that they make."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import replace

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.analysis.surrogates import Diagnosis
from bench.report import report_data, statistics_section, summary, tables, words
from bench.report.figures import attainment_data, figure_data
from bench.report.page import (
    assets,
    attainment,
    curves,
    fronts,
    models,
    progress,
    runs,
    savings,
    stops,
    times,
)
from bench.report.page.parts import Facts, Glossary, Grid, Heading, Part, Section, Spec, Text
from bench.report.report_data import ReportData
from bench.report.tables_and_notes import Block, Note, Sheet


def render(found: ReportData, diagnosed: Sequence[Diagnosis], home: str = "") -> str:
    """Return the page as the text of one HTML file.

    Args:
        found: The content of the report.
        diagnosed: The searcher's models that were fitted again; may be empty.
        home: The address of the front page of the site that the page belongs to; may be empty.
    """
    environment = Environment(
        loader=PackageLoader("bench.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure_json"] = figure_json
    environment.filters["pieces"] = pieces
    environment.filters["sort_key"] = sort_key
    chosen = assets.load()
    sections = [section for section in _sections(found, diagnosed) if section.parts]
    return environment.get_template("page.html.j2").render(
        title=found.title,
        subject=found.subject,
        home=home,
        sections=sections,
        policy=chosen.policy,
        style=Markup(chosen.style),  # noqa: S704 - our own
        plotly=Markup(chosen.plotly),  # noqa: S704 - of the package
        script=Markup(chosen.script),  # noqa: S704 - of the package, and ours
    )


def figure_json(spec: Spec) -> Markup:
    """Return a figure as JSON that can stand in a script tag."""
    text = json.dumps(spec, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - nothing in it can end the tag


def pieces(text: str) -> list[str]:
    """Return a cell's text in pieces that stay on one line in a narrow column.

    A line may break before an interval or a range, and after a dot between two numbers.
    """
    return re.split(r" (?=[\[(])|(?<=·) ", text)


def sort_key(value: float | None) -> str:
    """Return a cell's value as a finite number: the page's script cannot read an infinity."""
    if value is None or math.isnan(value):
        return ""
    return str(min(max(value, -sys.float_info.max), sys.float_info.max))


def _sections(found: ReportData, diagnosed: Sequence[Diagnosis]) -> list[Section]:
    finished = figure_data.without_a_common_searcher(found.finished)
    sure = found.findings
    panels = attainment_data.panels(found.finished, sure) if sure else {}
    return [
        Section("summary", "Summary", _summary(found)),
        Section("fronts", "Fronts", fronts.parts(finished)),
        Section("progress", "Progress", progress.parts(finished, found.curves, sure)),
        Section("attainment", "Attainment", attainment.parts(panels)),
        Section("time", "Where the time went", times.parts(found.runs)),
        Section("stops", "Stop decisions", stops.parts(finished)),
        Section("tables", "Tables", _tables(found)),
        Section("statistics", "Statistics", _statistics(found)),
        Section("models", "The searcher's model", models.parts(diagnosed)),
        Section("runs", "Every run, and how to reproduce it", runs.parts(found)),
        Section("made", "How this was made", [Facts(report_data.provenance(found.recorded))]),
        Section(words.ANCHOR, words.TITLE, [Glossary(words.WORDS)]),
    ]


def _summary(found: ReportData) -> list[Part]:
    parts: list[Part] = [
        Text(Note(f" {record.reason}", f"Failed run {record.run_id}:")) for record in found.failed
    ]
    if found.findings is not None:
        parts.append(savings.figure(found.findings))
    parts += [Text(note) for note in summary.lead(found.findings)]
    if found.findings is None:
        return [*parts, _overview(found)]
    parts.append(Grid("against-fifo", statistics_section.against_fifo(found.findings)))
    remarks = summary.notes(found.findings, found.days, found.instructions)
    return parts + [Text(note) for note in remarks]


def _overview(found: ReportData) -> Part:
    cells = tables.overview(found.runs)
    return Grid("overview", replace(cells, header=["scheduler", *cells.header[1:]]))


def _tables(found: ReportData) -> list[Part]:
    parts: list[Part] = [_overview(found)] if found.findings is not None else []
    if found.with_paper:
        parts += [Grid(table.name, table.to_sheet()) for table in found.tables]
    else:
        parts.append(Grid("cells", tables.joined(found.tables)))
    parts += [
        Text(Note(f" {table.remark}", f"{table.series}:")) for table in found.tables if table.remark
    ]
    parts += [Text(Note(text)) for text in dict.fromkeys(table.caption for table in found.tables)]
    if found.compared:
        parts += [Heading("Against FIFO, by objectives"), Text(Note(report_data.AGAINST_FIFO))]
        sheets = tables.comparison(found.runs)
        parts += [Grid(f"against-fifo-{k}", sheet) for k, sheet in enumerate(sheets)]
        parts.append(Text(Note(report_data.FRONT_LOST)))
    if not found.virtual:
        tested = report_data.final_fronts(found.finished)
        parts += [Heading("The final fronts on test data"), Text(Note(report_data.TRAINED_AGAIN))]
        parts.append(
            Grid("test-data", Sheet("Test data", "", tested.header, tested.rows, tested.words))
        )
    return parts


def _statistics(found: ReportData) -> list[Part]:
    sure = found.findings
    if sure is None:
        return []
    # The table against FIFO is in the summary.
    blocks = [Note(statistics_section.certainty(sure)), *statistics_section.further(sure)]
    parts = [_part(block, f"statistics-{k}") for k, block in enumerate(blocks)]
    return parts + curves.statistics(sure)


def _part(block: Block, name: str) -> Part:
    return Grid(name, block) if isinstance(block, Sheet) else Text(block)
