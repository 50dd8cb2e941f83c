"""Imports point one way: read from the source, not from documentation."""

from __future__ import annotations

import re
from graphlib import CycleError

import pytest

from tests.rooms import ROOT, floors, modules, room_graph

IMPORTS = {
    "bench.commands": (
        "analysis curves errors execution formatting matrix records report studies terminal",
        "problems space",
    ),
    "bench.curves": ("errors formatting", "objectives results"),
    "bench.studies": (
        "analysis curves errors execution formatting instructions matrix records",
        "objectives pareto problems seeding space tune virtual",
    ),
    "bench.report": ("analysis errors formatting matrix records", "objectives"),
    "bench.execution": (
        "errors formatting instructions matrix records terminal",
        "objectives pareto problems seeding space tune virtual",
    ),
    "bench.analysis": ("errors formatting matrix records", "objectives pareto seeding space tune"),
    "bench.records": ("errors instructions matrix", "objectives pareto seeding space"),
    "bench.matrix": ("errors rivals", "objectives pareto problems rules seeding space tune"),
    "bench.rivals": ("", "extras objectives rules space tune"),
    "mobo_core.virtual": ("", "checks problems tune"),
    "mobo_core.tune": (
        "",
        "checks extras objectives pareto problems results rules seeding space values",
    ),
    "mobo_core.problems": ("", "extras objectives seeding space"),
    "mobo_core.plot": ("", "extras objectives results"),
    "mobo_core.results": ("", "objectives pareto"),
    "mobo_core.rules": ("", "checks objectives pareto"),
    "mobo_core.pareto": ("", "objectives"),
    "mobo_core.checks": ("", "objectives"),
    "mobo_core.space": ("", "objectives parameters"),
    "mobo_core.parameters": ("", "objectives values"),
}
"""Room → the rooms of bench and of mobo_core that it imports. All other rooms import none.

A new import between rooms needs an entry here, and one that has gone leaves none behind.
"""


def table() -> dict[str, set[str]]:
    """The table with full names."""
    return {
        room: {f"bench.{name}" for name in bench.split()}
        | {f"mobo_core.{name}" for name in library.split()}
        for room, (bench, library) in IMPORTS.items()
    }


MOVED = {f"mobo_core.{name}" for name in ("halving", "indicators", "projection", "ranking")}
"""Old names that go with the next release; see `mobo_core._moved`."""


@pytest.mark.parametrize("room", sorted(set(room_graph()) - MOVED - {"bench", "mobo_core"}))
def test_a_room_imports_what_the_table_says(room: str) -> None:
    assert room_graph()[room] == table().get(room, set())


def test_the_table_names_rooms_that_exist_and_has_no_circle() -> None:
    assert set(IMPORTS) <= set(room_graph())
    floors(table())
    with pytest.raises(CycleError):
        floors(table() | {"mobo_core.objectives": {"mobo_core.pareto"}})


def importers(package: str, target: str) -> set[str]:
    """Return the modules of a package that import a module or something in it."""
    return {name for name, found in modules(package) if under(found, target)}


def under(names: set[str], prefix: str) -> set[str]:
    return {name for name in names if name == prefix or name.startswith(prefix + ".")}


@pytest.mark.parametrize("target", ["ray", "ax", "botorch"])
def test_only_tune_imports_ray_and_ax_in_the_library(target: str) -> None:
    found = importers("mobo_core", target)
    # Virtual time calls Ray's schedulers, results have Ray's checkpoints, and BoTorch's functions
    # are the synthetic problems.
    others = {
        "ray": ("mobo_core.virtual", "mobo_core.results.checkpoints"),
        "botorch": ("mobo_core.problems.synthetic",),
        "ax": (),
    }
    allowed = [under(found, name) for name in ("mobo_core.tune", *others[target])]
    assert all(allowed)
    assert found == set().union(*allowed)


def test_pandas_and_plotting_have_their_rooms_in_the_library() -> None:
    for target in ("matplotlib", "plotly"):
        found = importers("mobo_core", target)
        assert found
        assert found == under(found, "mobo_core.plot")
    found = importers("mobo_core", "pandas")
    assert found == under(found, "mobo_core.results") | under(found, "mobo_core.plot")
    assert importers("mobo_core", "seaborn") == set()


def test_old_names_are_used_by_nobody() -> None:
    for name in MOVED:
        for package in ("bench", "mobo_core"):
            assert importers(package, name) == set(), name


def test_only_plots_draw() -> None:
    drawing = importers("bench", "matplotlib") | importers("bench", "seaborn")
    figures = "bench.report.figures"
    assert drawing == {
        name
        for name, _ in modules("bench")
        if name == f"{figures}.drawing" or name.startswith(f"{figures}.plots")
    }


def test_statistics_know_arrays_alone() -> None:
    statistics = "bench.analysis.statistics"
    for target in ("pandas", "ray", "ax", "torch"):
        assert under(importers("bench", target), statistics) == set()
    found = {name for module, names in modules("bench/analysis/statistics") for name in names}
    own = under(found, "bench")
    assert own == under(own, statistics)


def test_pictures_and_page_draw_what_others_compute() -> None:
    # Both are made from the same frames, by the report and the site: neither imports the other.
    made_by = {"page": {"bench.report.write", "bench.report.site"}}
    for name in ("page", "figures.plots", "figures.plots_statistics"):
        target = f"bench.report.{name}"
        importing = importers("bench", target)
        expected = made_by.get(name, {"bench.report.write"})
        assert importing - under(importing, target) == expected, target
    for target, others in (("jinja2", {"bench.report.site"}), ("plotly", set())):
        importing = importers("bench", target)
        assert importing - under(importing, "bench.report.page") == others, target
        assert importing > others, target
    found = {name for module, names in modules("bench/report/page") for name in names}
    assert not under(found, "bench.records.folders") | under(found, "bench.report.figures.plots")


def test_no_module_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for package in ("bench", "mobo_core")
        for path in (ROOT / package).rglob("*.py")
    }
    assert {name: n for name, n in lengths.items() if n > 400} == {}


def test_the_diagram_shows_imports_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    names = dict(re.findall(r'^ +(\w+)\["([\w.]+)<br/>', text, re.MULTILINE))
    rooms = {key: name if "." in name else f"bench.{name}" for key, name in names.items()}
    graph = room_graph()
    folders = {room for room in graph if (ROOT / room.replace(".", "/")).is_dir()}
    assert set(rooms.values()) == folders - {"bench", "mobo_core"}
    arrows = re.findall(r"^ +(\w+) --> (\w+)$", text, re.MULTILINE)
    assert {start for start, _ in arrows} | {end for _, end in arrows} == set(rooms)
    for start, end in arrows:
        assert rooms[end] in graph[rooms[start]], (start, end)
    for line in text.splitlines():
        check_files(line)


def check_files(line: str) -> None:
    """Raise an error if a line of the page names a file or folder that does not exist.

    A name without a folder must lie in a folder that the same line names. If the line names none,
    it may lie anywhere in the two packages.
    """
    rooms = "|".join(path.name for path in (ROOT / "bench").iterdir() if path.is_dir())
    folders = [ROOT / name for name in re.findall(r"`(bench|mobo_core)`", line)]
    for path in re.findall(rf"`((?:bench|mobo_core|tests|{rooms})/[\w/.]*)`", line):
        found = [place / path for place in (ROOT, ROOT / "bench") if (place / path).exists()]
        assert found or "NAME" in path, path
        folders += [place if place.is_dir() else place.parent for place in found]
    for name in re.findall(r"`(\w+\.py)`", line):
        anywhere = [*(ROOT / "bench").rglob(name), *(ROOT / "mobo_core").rglob(name)]
        assert any(path.parent in folders or not folders for path in anywhere), name


@pytest.mark.parametrize(
    "line",
    [
        "`report/tables.py`, `plots.py` and `page/` write",
        "`matrix/loading.py` loads",
        "a file in `bench/analysis/`, drawn in `plots.py`",
        "in `loading.py`",
    ],
)
def test_a_name_of_a_file_that_is_not_there_is_found(line: str) -> None:
    with pytest.raises(AssertionError, match=r"\.py"):
        check_files(line)
