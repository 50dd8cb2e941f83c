"""The page as text: escaping, sections, and figures that Plotly accepts."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from bench.report import page
from bench.report.page import assets, plotly_style
from bench.report.page.document import figure_json, pieces, sort_key
from bench.report.report_data import ReportData
from bench.report.tables_and_notes import Cell, Sheet
from tests.bench.report.page.examples import HOSTILE, diagnosed, gathered


class Reader(HTMLParser):
    """A parser that collects tags with their attributes, and the data of figures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.figures: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self._inside = tag == "script" and ("type", "application/json") in attributes

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.figures.append(data)
            self._inside = False

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    return gathered(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def text(found: ReportData) -> str:
    return page.render(found, diagnosed(found))


@pytest.fixture(scope="module")
def read(text: str) -> Reader:
    return Reader(text)


def own(text: str) -> str:
    """Return the page without the libraries inside it."""
    chosen = assets.load()
    return text.replace(chosen.plotly, "").replace(chosen.script, "").replace(chosen.style, "")


def test_the_sections_come_in_order_summary_first(read: Reader, text: str) -> None:
    sections = [attributes["id"] for attributes in read.named("section")]
    assert sections == [
        *("summary", "fronts", "progress", "attainment", "time", "stops", "tables", "statistics"),
        *("models", "runs", "made", "words"),
    ]
    navigation = text.split("<nav")[1].split("</nav>")[0]
    assert re.findall(r'href="#(\w+)"', navigation) == sections
    assert "<strong>Failed run failed:</strong> boom" in text


def test_every_figure_is_one_that_plotly_knows(read: Reader) -> None:
    assert len(read.figures) > 20
    for figure in read.figures:
        go.Figure(json.loads(figure))  # raises if Plotly has no such attribute


def test_figures_and_tables_have_names_and_ids_are_unique(read: Reader) -> None:
    ids = [a["id"] for _, a in read.tags if "id" in a]
    assert len(set(ids)) == len(ids)
    for attributes in read.named("figure"):
        assert attributes["aria-labelledby"] in ids
    assert len(read.named("figcaption")) == len(read.named("figure"))
    assert len(read.named("caption")) == len(read.named("table"))


def test_nothing_comes_from_elsewhere(read: Reader) -> None:
    for _, attributes in read.tags:
        assert not {"src", "srcset", "action"} & set(attributes)
        assert str(attributes.get("href", "#")).startswith("#")
    assert "default-src 'none'" in assets.load().policy


def test_published_and_recomputed_figures_stand_beside_ours(text: str) -> None:
    table = text.split('<table id="table-1"')[1].split("</table>")[0]
    assert re.findall(r'class="group"[^>]*>(\w+)<', table) == [
        *("runtime", "front", "hypervolume", "predicted", "epochs")
    ]
    body = re.sub(r"</?span>", "", table.split("</thead>")[1])
    row = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", body)
    # Three seeds took 10 s each; the other values are those of the paper's first row.
    assert row[:3] == ["acc+params", "10.0s (10.0s–10.0s)", "17m33s"]
    assert row[4:6] == ["5", "4"]
    assert row[7] == "6026.9"


def test_the_chart_comes_first_with_its_names_beside_the_points(read: Reader, text: str) -> None:
    (headline,) = re.findall(r'<p class="headline">(.*?)</p>', text)
    assert re.fullmatch(r"paper-\S+ keeps [\d.]+\xa0% of the hypervolume with .*\.", headline)
    summary = text.split('<section id="summary"')[1].split("</section>")[0]
    assert summary.index('class="headline"') < summary.index("<table")
    spec = json.loads(read.figures[0])
    names = [note["text"] for note in spec["layout"]["annotations"]]
    assert names[0] == "◂ FIFO saves nothing and keeps 100 %"
    assert len(names) == 3
    assert [name.startswith("<b>") for name in names[1:]] == [True, False]
    assert spec["layout"]["showlegend"] is False


def test_every_link_leads_somewhere(read: Reader) -> None:
    ids = {a["id"] for _, a in read.tags if "id" in a}
    targets = {str(a["href"]).removeprefix("#") for a in read.named("a")}
    assert targets <= ids
    assert {"word-fifo", "word-interquartile-mean-iqm"} <= ids


def test_what_others_wrote_is_shown_and_does_nothing(tmp_path: Path) -> None:
    found = gathered(tmp_path, hostile=True)
    shown = own(page.render(found, diagnosed(found)))
    assert "<script>window.bad" not in shown
    assert "<b>b</b>" not in shown
    assert shown.count("&lt;script&gt;window.bad = 1&lt;/script&gt;&amp;") >= 4
    reader = Reader(shown)
    assert len(reader.named("script")) == len(reader.figures) + 2  # the two libraries
    names = {t.get("name", "") for f in reader.figures for t in json.loads(f)["data"]}
    (hostile,) = (name for name in names if "window.bad" in name)
    assert hostile.startswith("a&lt;script&gt;window.bad")  # which Plotly shows as it was
    assert "%{" not in hostile


def test_a_figure_cannot_end_its_tag() -> None:
    text = str(figure_json({"data": [{"name": f"</script>{HOSTILE}"}], "layout": {}}))
    assert not set("<>&") & set(text)
    assert json.loads(text)["data"][0]["name"] == f"</script>{HOSTILE}"


def test_numbers_are_lean_and_gaps_are_gaps() -> None:
    assert plotly_style.lean([1 / 3, 5000.0, 1e-9, np.nan, np.inf]) == [
        0.33333,
        5000,
        1e-9,
        None,
        None,
    ]
    assert plotly_style.plain("a\n<b> %{y} $z$") == "a &lt;b&gt; %&#123;y} &#36;z&#36;"


def test_the_page_repeats(found: ReportData, text: str) -> None:
    assert page.render(found, diagnosed(found)) == text


def test_a_table_has_the_order_of_its_numbers_not_of_their_text() -> None:
    row = [Cell("a", kind="name"), Cell("9 %", 0.09), Cell("10 %", 0.1)]
    sheet = Sheet("t", "", ["name", "x", "y"], [row], groups=[("", 1), ("of two", 2)])
    assert sheet.group_titles() == ["", "of two", "of two"]
    assert sheet.grid().splitlines()[2] == "| a | 9 % | 10 % |"


def test_infinity_sorts_after_every_number() -> None:
    keys = [sort_key(value) for value in (-math.inf, -1.5, 0.0, 1e9, math.inf)]
    assert all(math.isfinite(float(key)) for key in keys)
    assert [float(key) for key in keys] == sorted(float(key) for key in keys)
    assert sort_key(None) == sort_key(math.nan) == ""


def test_cells_break_before_intervals_and_after_dots() -> None:
    assert pieces("53.8 % [44.0 %, 57.7 %] (1–4)") == ["53.8 %", "[44.0 %, 57.7 %]", "(1–4)"]
    assert pieces("1m23s · 200 · 1.000") == ["1m23s ·", "200 ·", "1.000"]
    assert pieces("–") == ["–"]


def test_one_run_alone_has_a_page(tmp_path: Path) -> None:
    from bench.records import folders, storage
    from bench.report import report_data
    from tests.bench.examples import record
    from tests.bench.report.page.examples import paper

    folders.open_folder(tmp_path, paper())
    storage.write(record("paper-dominance-g1"), tmp_path)
    shown = own(page.render(report_data.gather(tmp_path), []))
    assert "No scheduler can be compared with FIFO" in shown
    sections = re.findall(r'<section id="(\w+)"', shown)
    assert not {"attainment", "models", "statistics"} & set(sections)  # there is nothing to show
    assert {"fronts", "progress", "words"} <= set(sections)
