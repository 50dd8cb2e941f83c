"""Mermaid's flowcharts are drawn: every box and arrow, each box below those that point to it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
ARCHITECTURE = (DOCS / "architecture.md").read_text("utf-8")


@pytest.fixture
def diagrams(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the extension, which lies outside of the packages."""
    monkeypatch.syspath_prepend(str(DOCS / "_extensions"))
    monkeypatch.delitem(sys.modules, "diagrams", raising=False)
    return __import__("diagrams")


def flowchart(*lines: str) -> str:
    return "\n".join(["flowchart TD", *lines])


def test_floors_follow_the_longest_way(diagrams: ModuleType) -> None:
    source = flowchart('a["A"]', 'b["B"]', 'c["C"]', "a --> b", "b --> c", "a --> c")
    assert diagrams.floors(diagrams.parse(source)) == {"a": 0, "b": 1, "c": 2}


def test_a_drawing_has_every_box_and_arrow(diagrams: ModuleType) -> None:
    source = flowchart('a["first<br/>second < third"]', 'b["B"]', 'c["C"]', "a --> b", "a --> c")
    drawn = ElementTree.fromstring(diagrams.svg(diagrams.parse(source)))
    boxes = drawn.findall("rect")
    assert [text.text for text in drawn.findall("text")] == ["first", "second < third", "B", "C"]
    assert len(drawn.findall("path")) == 2
    tops = [float(box.attrib["y"]) for box in boxes]
    assert tops[0] < tops[1] == tops[2]
    lefts = sorted(float(box.attrib["x"]) for box in boxes[1:])
    assert lefts[1] - lefts[0] > float(boxes[0].attrib["width"])  # they do not overlap


def test_the_architecture_is_drawn_and_repeats(diagrams: ModuleType) -> None:
    (source,) = re.findall(r"```mermaid\n(.*?)```", ARCHITECTURE, flags=re.DOTALL)
    chart = diagrams.parse(source)
    drawing = diagrams.svg(chart)
    assert drawing == diagrams.svg(diagrams.parse(source))
    assert drawing.count("<rect") == len(chart.boxes) >= 10
    assert drawing.count("marker-end") == len(chart.arrows) >= 10
    assert "http" not in drawing  # nothing is loaded


@pytest.mark.parametrize(
    "source",
    [
        flowchart("a ==> b"),
        flowchart('a["A"]', "a --> b"),
        'graph LR\na["A"]',
        flowchart('a["A"]', 'b["B"]', "a --> b", "b --> a"),
    ],
)
def test_what_cannot_be_drawn_is_refused(diagrams: ModuleType, source: str) -> None:
    with pytest.raises(ValueError, match="flowchart"):
        diagrams.svg(diagrams.parse(source))
