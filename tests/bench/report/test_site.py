"""The site links every report, works without a network, and draws one figure over all data sets."""

from __future__ import annotations

import re
import shutil
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image
from rich.console import Console

from bench.commands.main import cli
from bench.errors import UserError
from bench.matrix.files import load_matrix
from bench.matrix.naming import OPENML_TASKS, dataset_name, dataset_title
from bench.records import folders, storage
from bench.report import overview, site
from mobo_core.problems.yahpo import instances
from tests.bench.examples import record

SCHEDULERS = ("fifo", "hv-promotion", "asha", "median", "paper-dominance-g1")


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Two reports: one with few runs whose records are there, and one that compares schedulers."""
    (tmp_path / "reports" / "paper-mnist" / "figures").mkdir(parents=True)
    (tmp_path / "reports" / "paper-mnist" / "report.md").write_text(
        "# Tables <b>1</b>\n\nMLP on MNIST.\n\n**hv-promotion** keeps 99.8 %.\n\n"
        "![savings](figures/savings.png)\n\n[more](comparison.md) [other](../x.md)\n\n"
        "| a | b |\n| --- | ---: |\n| 1 | `2` |\n\n<script>alert(1)</script>\n",
        "utf-8",
    )
    (tmp_path / "reports" / "paper-mnist" / "comparison.md").write_text("# Compared\n\nB.\n")
    picture = tmp_path / "reports" / "paper-mnist" / "figures" / "savings.png"
    picture.write_bytes(b"")
    made = [record(), record("paper-dominance-g1", curves=((0.91,), (0.92, 0.93)))]
    folder = tmp_path / "results" / "paper-mnist"
    folders.open_folder(folder, load_matrix("paper").with_dataset("mnist"))
    for run in made:
        storage.write(run, folder)
    runs_csv().head(6).to_csv(tmp_path / "reports" / "paper-mnist" / "runs.csv", index=False)

    virtual = tmp_path / "reports" / "lcbench-168331"
    virtual.mkdir()
    (virtual / "report.md").write_text("# LCBench\n\nLCBench, in virtual time.\n\nShort.\n")
    runs_csv().to_csv(virtual / "runs.csv", index=False)
    return tmp_path / "reports"


def runs_csv() -> pd.DataFrame:
    """Return made-up runs: the k-th scheduler saves k tenths, and loses k² per cent and a bit."""
    rows = [
        {
            "run_id": f"{scheduler}.{sets}.{seed}",
            "searcher": "sobol",
            "scheduler": scheduler,
            "objectives": sets,
            "seed": seed,
            "epochs_saved": k / 10,
            "runtime_saved": k / 10,
            "hypervolume_ratio": 1 - k**2 * (1 + (seed == 5)) / 100,
        }
        for (k, scheduler), sets, seed in product(enumerate(SCHEDULERS), ("a+b", "a+c"), range(6))
    ]
    return pd.DataFrame(rows)


def write(reports: Path) -> None:
    with (reports / "out.txt").open("w") as file:
        site.write(reports, reports.parent / "results", Console(file=file, width=200))


def test_the_front_page_links_what_there_is(reports: Path) -> None:
    write(reports)
    front = (reports / "index.html").read_text("utf-8")
    assert f"site: {reports / 'index.html'}" in (reports / "out.txt").read_text()
    for target in (
        "paper-mnist/index.html",
        "paper-mnist/report.html",
        "paper-mnist/comparison.html",
        "lcbench-168331/report.html",
    ):
        assert f'href="{target}"' in front
    for target in re.findall(r'(?:href|src)="([^"]+)"', front):
        assert (reports / target).is_file(), target
    assert "lcbench-168331/index.html" not in front  # its records are not there
    assert "hv-promotion keeps 99.8 %." in front
    assert "Tables &lt;b&gt;1&lt;/b&gt;" in front
    assert front.index("Real training") < front.index("Tables") < front.index("Virtual time")


def test_every_page_leads_back_and_loads_nothing_from_elsewhere(reports: Path) -> None:
    write(reports)
    for page in reports.glob("*/*.html"):
        assert '<a href="../index.html">All reports</a>' in page.read_text("utf-8"), page
    for page in (reports / "index.html", *reports.glob("*/report.html")):
        assert "http" not in page.read_text("utf-8").replace('http-equiv="Content', "")
        assert "default-src 'none'" in page.read_text("utf-8")


def test_a_report_as_html_escapes_what_others_named(reports: Path) -> None:
    write(reports)
    text = (reports / "paper-mnist" / "report.html").read_text("utf-8")
    assert "<script" not in text
    assert '<td style="text-align:right"><code>2</code></td>' in text
    assert '<img src="figures/savings.png" alt="savings" />' in text
    assert '<a href="comparison.html">more</a>' in text
    assert '<a href="../x.md">other</a>' in text


def test_without_reports_it_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no reports; expected folders with a report\.md"):
        site.write(tmp_path, tmp_path, Console())


def test_the_command(reports: Path) -> None:
    done = CliRunner().invoke(
        cli,
        ["site", "--reports", str(reports), "--results", str(reports / "none"), "--models", "0"],
    )
    assert done.exit_code == 0, done.output
    assert (reports / "index.html").is_file()
    assert not (reports / "paper-mnist" / "index.html").exists()


def test_the_overview_takes_reports_that_compare_enough(reports: Path) -> None:
    found = overview.collect(sorted(reports.glob("*-*")))
    assert set(found["report"]) == {"lcbench-168331"}
    assert set(found["dataset"]) == {"volkert"}
    rows = found.set_index("scheduler")
    assert list(rows.index) == list(SCHEDULERS[1:])
    # By hand: 6 seeds × 2 sets; the interquartile mean of equal values, and one seed of six
    # loses twice as much.
    assert rows.loc["asha", "saved"] == pytest.approx(0.2)
    assert rows.loc["asha", "mean"] == pytest.approx(1 - 0.04 * 7 / 6)
    assert rows.loc["asha", "worst"] == pytest.approx(0.92)
    assert rows.loc["asha", "lost"] == pytest.approx(0.04 * 7 / 6)
    assert overview.table(found).splitlines() == [
        "| scheduler | volkert |",
        "| --- | ---: |",
        "| hv-promotion | 10.0 · 98.8 · 98.0 |",
        "| asha | 20.0 · 95.3 · 92.0 |",
        "| median | 30.0 · 89.5 · 82.0 |",
        "| paper-dominance-g1 | 40.0 · 81.3 · 68.0 |",
    ]


def test_the_overview_is_a_picture_that_repeats(reports: Path) -> None:
    write(reports)
    first = (reports / "overview.png").read_bytes()
    write(reports)
    assert (reports / "overview.png").read_bytes() == first
    with Image.open(reports / "overview.png") as picture:
        assert picture.width == 1200


def test_without_a_comparison_there_is_no_overview(reports: Path) -> None:
    shutil.rmtree(reports / "lcbench-168331")
    write(reports)
    assert not (reports / "overview.png").exists()
    assert "overview" not in (reports / "index.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("report", "dataset"),
    [
        ("lcbench-168331", "volkert"),
        ("schedulers-mnist-virtual", "MNIST"),
        ("paper-light-mnist", "MNIST"),
        ("synthetic-branin-currin-virtual", "branin-currin"),
        ("mine", "mine"),
    ],
)
def test_the_data_set_of_a_report(report: str, dataset: str) -> None:
    assert overview.dataset_of(report) == dataset


def test_every_data_set_of_lcbench_has_a_name() -> None:
    assert set(OPENML_TASKS) == set(instances("lcbench"))
    assert not set(OPENML_TASKS) & set(instances("rbv2_xgboost"))
    assert len(set(OPENML_TASKS.values())) == len(OPENML_TASKS)
    assert dataset_name("168331") == "volkert"
    assert dataset_title("168331") == "volkert (OpenML task 168331)"
    assert dataset_title("mnist") == "mnist"
