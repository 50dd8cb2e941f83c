"""Imports point one way: read from the source, not from documentation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def modules(package: str) -> Iterator[tuple[str, set[str]]]:
    """(module, everything it imports, at any depth of the file) of a package."""
    for path in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        yield name, imports(path)


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def importers(package: str, target: str) -> set[str]:
    return {
        name
        for name, found in modules(package)
        if any(entry == target or entry.startswith(target + ".") for entry in found)
    }


def under(names: set[str], prefix: str) -> set[str]:
    return {name for name in names if name == prefix or name.startswith(prefix + ".")}


def test_the_library_never_imports_the_harness() -> None:
    assert importers("mobo_core", "bench") == set()


@pytest.mark.parametrize("target", ["ray", "ax", "botorch"])
def test_only_tune_imports_ray_and_ax_in_the_library(target: str) -> None:
    found = importers("mobo_core", target)
    # Virtual time calls Ray's schedulers, the synthetic problems are BoTorch's functions.
    others = {"ray": "mobo_core.virtual", "botorch": "mobo_core.problems.synthetic", "ax": ""}
    assert found == under(found, "mobo_core.tune") | under(found, others[target])


def test_pandas_and_plotting_stay_out_of_the_library() -> None:
    for target in ("pandas", "matplotlib", "seaborn"):
        assert importers("mobo_core", target) == set()


def test_only_plots_draw() -> None:
    drawing = {"bench.drawing", "bench.plots", "bench.plots_statistics"}
    assert importers("bench", "matplotlib") | importers("bench", "seaborn") == drawing


def test_statistics_know_arrays_alone() -> None:
    for target in ("pandas", "ray", "ax", "torch"):
        assert under(importers("bench", target), "bench.statistics") == set()
    found = {name for module, names in modules("bench/statistics") for name in names}
    own = {name for name in found if name.startswith("bench")}
    assert own == under(own, "bench.statistics")


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("objectives", set()),
        ("rungs", set()),
        ("seeding", set()),
        ("pareto", {"objectives"}),
        ("indicators", {"objectives", "pareto"}),
        ("space", {"objectives"}),
        ("rules", {"objectives", "pareto", "rungs"}),
        ("curves", {"objectives"}),
        ("exponents", {"objectives"}),
    ],
)
def test_numerics_depend_on_less_than_themselves(module: str, allowed: set[str]) -> None:
    found = imports(ROOT / "mobo_core" / f"{module}.py")
    own = {entry.split(".")[1] for entry in found if entry.startswith("mobo_core.")}
    assert own <= allowed


def test_computing_and_reporting_meet_only_at_the_records() -> None:
    computing = {"bench.execute", "bench.catalogue", "bench.preparation", "bench.backends"}
    reporting = {
        *("bench.aggregate", "bench.tables", "bench.plots", "bench.paper", "bench.report"),
        *("bench.evidence", "bench.findings", "bench.plots_statistics", "bench.statistics"),
        *("bench.comparison", "bench.exports", "bench.contents", "bench.summary", "bench.views"),
        *("bench.attained", "bench.surrogates", "bench.reproduce", "bench.page"),
    }
    for target in reporting:
        importing = importers("bench", target)
        assert not any(under(importing, part) for part in computing), target
    for target in computing:
        importing = importers("bench", target)
        assert not any(under(importing, part) for part in reporting), target


def test_pictures_and_page_draw_what_others_compute() -> None:
    # Both are made by the report alone, of the same frames: neither knows the other.
    for target in ("bench.page", "bench.plots", "bench.plots_statistics"):
        importing = importers("bench", target)
        assert importing - under(importing, target) == {"bench.report"}, target
    for target in ("jinja2", "plotly"):
        importing = importers("bench", target)
        assert importing
        assert importing == under(importing, "bench.page"), target
    found = {name for module, names in modules("bench/page") for name in names}
    assert not under(found, "bench.folders") | under(found, "bench.plots")


def test_no_module_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for package in ("bench", "mobo_core")
        for path in (ROOT / package).rglob("*.py")
    }
    assert {name: n for name, n in lengths.items() if n > 400} == {}
