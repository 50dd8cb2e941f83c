"""Imports point one way: read from the source, not from documentation."""

from __future__ import annotations

from graphlib import CycleError

import pytest

from tests.rooms import ROOT, floors, modules, room_graph

GROUND = {"bench.errors", "bench.formatting", "bench.terminal"}
POINTS = {"mobo_core.objectives", "mobo_core.pareto", "mobo_core.seeding", "mobo_core.space"}
LIBRARY = POINTS | {"mobo_core.problems", "mobo_core.rules", "mobo_core.tune", "mobo_core.virtual"}
RECORDS = {"bench.records", "bench.matrix"}

MAY_IMPORT = {
    "bench.commands": GROUND
    | RECORDS
    | {"bench.studies", "bench.report", "bench.execution", "bench.analysis"}
    | {"mobo_core.problems", "mobo_core.space"},
    "bench.studies": GROUND | RECORDS | {"bench.execution", "bench.analysis"} | LIBRARY,
    "bench.report": GROUND | RECORDS | {"bench.analysis", "mobo_core.objectives"},
    "bench.execution": GROUND | RECORDS | LIBRARY,
    "bench.analysis": GROUND | RECORDS | POINTS | {"mobo_core.tune"},
    "bench.records": GROUND | {"bench.matrix"} | POINTS,
    "bench.matrix": GROUND | LIBRARY,
    "mobo_core.virtual": {"mobo_core.tune", "mobo_core.problems", "mobo_core.objectives"},
    "mobo_core.tune": POINTS | {"mobo_core.problems", "mobo_core.rules"},
    "mobo_core.problems": {"mobo_core.objectives", "mobo_core.seeding", "mobo_core.space"},
    "mobo_core.rules": {"mobo_core.objectives", "mobo_core.pareto"},
    "mobo_core.pareto": {"mobo_core.objectives"},
    "mobo_core.space": {"mobo_core.objectives"},
}
"""Which rooms a room may import. Rooms that are not named here, the ground, import no other."""

MOVED = {f"mobo_core.{name}" for name in ("halving", "indicators", "projection", "ranking")}
"""Old names that go with the next release; see `mobo_core._moved`."""


@pytest.mark.parametrize("room", sorted(set(room_graph()) - MOVED - {"bench", "mobo_core"}))
def test_a_room_imports_only_what_it_may(room: str) -> None:
    assert room_graph()[room] <= MAY_IMPORT.get(room, set())


def test_the_table_names_rooms_that_exist_and_has_no_circle() -> None:
    assert set(MAY_IMPORT) <= set(room_graph())
    floors(MAY_IMPORT)
    with pytest.raises(CycleError):
        floors(MAY_IMPORT | {"mobo_core.objectives": {"mobo_core.pareto"}})


def importers(package: str, target: str) -> set[str]:
    """The modules of a package that import a module or something in it."""
    return {name for name, found in modules(package) if under(found, target)}


def under(names: set[str], prefix: str) -> set[str]:
    return {name for name in names if name == prefix or name.startswith(prefix + ".")}


@pytest.mark.parametrize("target", ["ray", "ax", "botorch"])
def test_only_tune_imports_ray_and_ax_in_the_library(target: str) -> None:
    found = importers("mobo_core", target)
    # Virtual time calls Ray's schedulers, the synthetic problems are BoTorch's functions.
    others = {"ray": "mobo_core.virtual", "botorch": "mobo_core.problems.synthetic", "ax": ""}
    assert found == under(found, "mobo_core.tune") | under(found, others[target])


def test_pandas_and_plotting_stay_out_of_the_library() -> None:
    for target in ("pandas", "matplotlib", "seaborn"):
        assert importers("mobo_core", target) == set()


def test_old_names_are_used_by_nobody() -> None:
    for name in MOVED:
        for package in ("bench", "mobo_core"):
            assert importers(package, name) == set(), name


def test_only_plots_draw() -> None:
    drawing = {f"bench.report.{name}" for name in ("drawing", "plots", "plots_statistics")}
    assert importers("bench", "matplotlib") | importers("bench", "seaborn") == drawing


def test_statistics_know_arrays_alone() -> None:
    statistics = "bench.analysis.statistics"
    for target in ("pandas", "ray", "ax", "torch"):
        assert under(importers("bench", target), statistics) == set()
    found = {name for module, names in modules("bench/analysis/statistics") for name in names}
    own = under(found, "bench")
    assert own == under(own, statistics)


def test_pictures_and_page_draw_what_others_compute() -> None:
    # Both are made by the report alone, of the same frames: neither knows the other.
    for name in ("page", "plots", "plots_statistics"):
        target = f"bench.report.{name}"
        importing = importers("bench", target)
        assert importing - under(importing, target) == {"bench.report.write"}, target
    for target in ("jinja2", "plotly"):
        importing = importers("bench", target)
        assert importing
        assert importing == under(importing, "bench.report.page"), target
    found = {name for module, names in modules("bench/report/page") for name in names}
    assert not under(found, "bench.records.folders") | under(found, "bench.report.plots")


def test_no_module_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for package in ("bench", "mobo_core")
        for path in (ROOT / package).rglob("*.py")
    }
    assert {name: n for name, n in lengths.items() if n > 400} == {}
