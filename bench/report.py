"""From a results folder to tables and figures."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from bench import (
    aggregate,
    findings,
    folders,
    plots,
    plots_statistics,
    problems,
    records,
    tables,
)
from bench.aggregate import BASELINE
from bench.errors import UserError
from bench.formatting import code, markdown
from bench.records import RunRecord

DATASET_TITLES = {
    "mnist": "MNIST",
    "digits": "scikit-learn's digits (not MNIST: not comparable with the paper)",
}


def write(results_dir: Path, reports_dir: Path, console: Console) -> None:
    """Write tables and figures of everything recorded in a folder, and print the tables.

    Raises:
        UserError: If there is nothing to report or a record cannot be read.
    """
    settings = folders.read_settings(results_dir)
    recorded = in_matrix_order(records.read_all(results_dir), settings)
    runs = aggregate.summarise(recorded)
    if runs.empty:
        raise UserError(f"{results_dir} has no finished run to report; see 'mobo-bench list'")
    subject = _subject(settings)
    of_paper = (settings["name"], settings["problem"], settings["dataset"])
    with_paper = of_paper == ("paper", "mlp", "mnist")
    built = tables.build(runs, subject, with_paper)
    curves = {record.run_id: aggregate.anytime(record) for record in recorded if record.finished}
    found = findings.find(runs, curves)
    try:
        shutil.rmtree(reports_dir / "figures", ignore_errors=True)
        (reports_dir / "figures").mkdir(parents=True)
        runs.to_csv(reports_dir / "runs.csv", index=False)
        for table in built:
            table.numbers.to_csv(reports_dir / f"{table.name}.csv", index=False)
            (reports_dir / f"{table.name}.tex").write_text(table.to_latex(), "utf-8")
        figures = plots.write_all(recorded, curves, reports_dir / "figures", subject)
        if found is not None:
            figures += plots_statistics.write_all(recorded, found, reports_dir / "figures", subject)
        text = _markdown(settings, recorded, runs, built, [findings.section(found)], figures)
        (reports_dir / "report.md").write_text(text, "utf-8")
    except OSError as error:
        raise UserError(f"cannot write reports to {reports_dir}: {error}") from error
    for table in built:
        console.print(table.to_rich())
    console.print(f"tables and figures: {reports_dir / 'report.md'}", soft_wrap=True, markup=False)


def in_matrix_order(recorded: list[RunRecord], settings: dict[str, Any]) -> list[RunRecord]:
    """The records as the matrix lists their cells, seed by seed within a cell.

    Raises:
        UserError: If one is of no cell of the matrix.
    """
    schedulers = [component["label"] for component in settings["schedulers"]]
    sets = settings["objective_sets"]

    def place(record: RunRecord) -> tuple[int, int, int]:
        try:
            return (
                schedulers.index(record.labels["scheduler"]),
                sets.index("+".join(record.spec["objectives"])),
                record.spec["seed"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"the record {record.run_id} is of no cell of this folder's matrix ({error}); "
                "move it away"
            ) from error

    return sorted(recorded, key=place)


def _subject(settings: dict[str, Any]) -> str:
    budget, dataset = settings["budget"], settings["dataset"]
    entry = problems.PROBLEMS.get(settings["problem"])  # None: of a matrix from elsewhere
    title = entry.title if entry else settings["problem"] + " on {}"
    workers = budget.get("workers_per_trial", 1)
    together = f", each by {workers} workers" if workers > 1 else ""
    virtual = ", in virtual time" if "virtual" in settings else ""
    return (
        f"{title.format(DATASET_TITLES.get(dataset, dataset))}, {budget['trials']} trials of at "
        f"most {budget['max_epochs']} epochs, {budget['slots']} at a time{together}{virtual}"
    )


def _markdown(
    settings: dict[str, Any],
    recorded: list[RunRecord],
    runs: pd.DataFrame,
    built: list[tables.Table],
    sections: list[str],
    figures: list[str],
) -> str:
    parts = [f"# {markdown(settings['title'])}", "", f"{markdown(_subject(settings))}.", ""]
    failed = [record for record in recorded if not record.finished]
    for record in failed:
        parts += [f"**Failed run** {code(record.run_id)}: {markdown(record.reason)}", ""]
    parts += ["Runtime · epochs trained · observed hypervolume against FIFO of the same seed:", ""]
    parts += [tables.overview(runs), ""]
    if runs["scheduler"].nunique() > 1 and BASELINE in set(runs["scheduler"]):
        parts += [
            "Against FIFO of the same seed: median (range) over the seeds, or from six seeds on "
            "the mean [95 % bootstrap interval] (range).",
            "",
        ]
        parts += [
            tables.comparison(runs),
            "",
            "Front lost: distinct points of FIFO's final front whose trials were ended early, "
            "where both met the same configurations. The oracle knows FIFO's final front and gives "
            "one epoch to all others: no scheduler can save more without losing any of it.",
            "",
        ]
    parts += [table.to_markdown() for table in built]
    if "virtual" not in settings:  # there nothing is trained, and so nothing trained again
        parts += [_test_table(recorded)]
    parts += sections
    parts += ["## Figures", ""]
    parts += [f"![{name.replace('-', ' ')}](figures/{name}.png)\n" for name in figures]
    parts += ["## How this was made", "", *_provenance(recorded), ""]
    return "\n".join(parts)


def _test_table(recorded: list[RunRecord]) -> str:
    """Test metrics over each run's front, and whether the front repeated."""
    lines = [
        "### The final fronts on test data",
        "",
        "| run | front members | test metrics, lowest to highest | repeated bit for bit |",
        "| --- | ---: | --- | ---: |",
    ]
    for record in recorded:
        if record.result is not None:
            front = record.result.front
            tested = pd.DataFrame([member.metrics for member in front])
            spans = [f"{n} {tested[n].min():.4f} to {tested[n].max():.4f}" for n in tested]
            repeated = sum(member.repeated for member in front)
            shown = markdown(record.result.test_error or "; ".join(spans) or "–")
            run_id = markdown(record.run_id)
            lines.append(f"| {run_id} | {len(front)} | {shown} | {repeated} of {len(front)} |")
    lines += [
        "",
        "Each member of a final front was trained again from its configuration and seed and then "
        "measured on the test images, which nothing else sees.",
        "",
    ]
    return "\n".join(lines)


def _provenance(recorded: list[RunRecord]) -> list[str]:
    """Command, commit, versions and machine, each value that occurs once."""
    lines = []
    for title, values in (
        ("command", {record.command for record in recorded}),
        ("commit", {record.environment["git_commit"] or "unknown" for record in recorded}),
        (
            "machine",
            {
                f"{record.environment['processor']}, {record.environment['cores']} cores, "
                f"GPUs: {', '.join(record.environment['gpus']) or 'none'}"
                for record in recorded
            },
        ),
        ("Python", {record.environment["python"] for record in recorded}),
        (
            "packages",
            {
                ", ".join(f"{k} {v}" for k, v in record.environment["versions"].items())
                for record in recorded
            },
        ),
        ("lock", {record.environment["lock_sha256"][:16] for record in recorded}),
        ("data", {f"{r.data['name']} {r.data['sha256'][:16]}" for r in recorded}),
        ("started", {min(r.started_at for r in recorded)}),
        ("seeds", {", ".join(map(str, sorted({r.spec["seed"] for r in recorded})))}),
    ):
        lines += [f"- {title}: {code(value)}" for value in sorted(values)]
    return lines
