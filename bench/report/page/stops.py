"""The section "Stop decisions": last epochs of trials, and members of FIFO's front among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis import aggregate
from bench.analysis.aggregate import BASELINE
from bench.records.record import RunRecord
from bench.report.figures import figure_data
from bench.report.page import figure_tables, plotly_style
from bench.report.page.fronts import configuration, values_of
from bench.report.page.parts import Dimension, Figures, Grid, Part, Spec, Specs, Text
from bench.report.tables_and_notes import Cell, Note, Sheet, named

ENDED, LOST = "trials that ended there", "members of FIFO's front among them"
OTHERS = (
    "Members of FIFO's front that a scheduler ended early can only be counted where both tried the "
    "same configurations. Here no run did, because a searcher that learns from results suggests "
    "other configurations."
)


def parts(finished: Sequence[RunRecord]) -> list[Part]:
    """Return a heat map of last epochs, its table, and the members of FIFO's front ended early.

    Args:
        finished: Finished runs; the searcher's label is empty where all runs share the searcher.
    """
    groups = figure_data.by_objectives(finished)
    matched = aggregate.baselines(finished)
    last = max(record.spec["budget"]["max_epochs"] for record in finished)
    edges = figure_data.epoch_bins(last)
    rows = list(dict.fromkeys(figure_data.series(record) for record in finished))
    ended = {label: figure_data.last_epochs(group, rows, edges) for label, group in groups.items()}
    lost = {
        label: figure_data.lost_by_epoch(group, rows, edges, matched)
        for label, group in groups.items()
    }
    some = any(frame.notna().to_numpy().any() for frame in lost.values())
    shown = [(ENDED, ended), (LOST, lost)] if some else [(ENDED, ended)]
    specs: Specs = {
        (at, number): _spec(frames[label], "trials" if what == ENDED else "members")
        for at, label in enumerate(groups)
        for number, (what, frames) in enumerate(shown)
    }
    caption = (
        "The number of trials per run that ended after each epoch, as a mean over the seeds. The "
        "last column is the full budget. Column 0 holds trials that never reported. A blank field "
        "means none."
        + (
            " The other choice shows how many distinct members of FIFO's final front ended there."
            if some
            else ""
        )
    )
    dimensions = (
        Dimension("Objectives", list(groups)),
        Dimension("Shown", [what for what, _ in shown]),
    )
    figures = Figures("stops", "Trials by their last epoch", caption, specs, dimensions)
    found: list[Part] = [figures]
    found.append(Grid("stops-table", _as_sheet(ended, lost, some), figure_tables.FOLDED))
    if some:
        found.append(Grid("lost-members", _members(finished, matched), rows=10))
    elif any(r.labels["scheduler"] != BASELINE and r.run_id in matched for r in finished):
        found.append(Text(Note(OTHERS)))
    return found


def _spec(frame: pd.DataFrame, unit: str) -> Spec:
    values = frame.where(frame > 0).to_numpy(dtype=float)  # none is shown as a blank field
    texts = [[figure_data.heat_label(value) for value in row] for row in values]
    data: dict[str, Any] = {
        "type": "heatmap",
        "z": [plotly_style.lean(row) for row in values],
        "x": list(frame.columns),
        "y": [plotly_style.plain(name) for name in frame.index],
        "text": texts,
        "texttemplate": "%{text}",
        "colorscale": "Cividis",
        "zmin": 0,
        "xgap": 1,
        "ygap": 1,
        "showscale": False,  # every field has its number
        "hovertemplate": f"%{{y}}<br>epoch %{{x}}: %{{z}} {unit} per run<extra></extra>",
        "hoverongaps": False,
    }
    return plotly_style.spec(
        [data],
        xaxis=plotly_style.axis("last epoch trained", type="category"),
        yaxis=plotly_style.axis("", type="category", autorange="reversed"),
        height=170 + 26 * len(frame),
    )


def _as_sheet(
    ended: Mapping[str, pd.DataFrame], lost: Mapping[str, pd.DataFrame], some: bool
) -> Sheet:
    """Return the heat map as a table, with members of FIFO's front only if some were lost."""
    rows = []
    for label, frame in ended.items():
        for name in frame.index:
            for place, column in enumerate(frame.columns):
                trials, members = frame.loc[name, column], lost[label].loc[name, column]
                if trials > 0:
                    row = [
                        named(name),
                        named(label),
                        Cell(str(column), place),
                        Cell(figure_data.heat_label(float(trials)), float(trials)),
                    ]
                    if some:
                        row.append(Cell(_members_text(float(members)), members))
                    rows.append(row)
    header = ["scheduler", "objectives", "last epoch", "trials per run"]
    header += ["members of FIFO's front per run"] if some else []
    return Sheet("Trials by their last epoch", "", header, rows, frozenset({0, 1}))


def _members_text(members: float) -> str:
    return "–" if np.isnan(members) else figure_data.heat_label(members) or "0"


def _members(finished: Sequence[RunRecord], matched: Mapping[str, RunRecord]) -> Sheet:
    """Return the members of FIFO's fronts, with the schedulers that ended each of them early."""
    seeds = sorted({record.spec["seed"] for record in finished})
    shown = set(seeds[: figure_data.LEGIBLE_SEEDS])
    losers: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for record in finished:
        baseline = matched.get(record.run_id)
        if baseline is None or record.spec["seed"] not in shown:
            continue
        for member in aggregate.lost_members(record, baseline) or ():
            who = (figure_data.series(record), member.epochs)
            losers.setdefault((baseline.run_id, member.trials[0]), []).append(who)
    rows = []
    for record in finished:
        if record.labels["scheduler"] == BASELINE and record.spec["seed"] in shown:
            rows += _rows(record, losers)
    of = f" of the first {len(shown)} of {len(seeds)} seeds" if len(shown) < len(seeds) else ""
    lead = (
        f"{of}: the schedulers that ended each member early, and after how many epochs. Trials at "
        "the same point are one member; it has ended early if all its trials have."
    )
    header = [
        "objectives",
        "seed",
        "trial",
        "observed",
        "times ended",
        "ended early by",
        "configuration",
    ]
    return Sheet("Members of FIFO's front", lead, header, rows, frozenset({0, 3, 5, 6}))


def _rows(
    record: RunRecord, losers: Mapping[tuple[str, int], list[tuple[str, int]]]
) -> list[list[Cell]]:
    assert record.result is not None, "only finished runs are drawn"
    by_number = {trial.trial: trial for trial in record.result.trials}
    names = list(record.objective_set.names)
    rows = []
    distinct = aggregate.observed_front(record).drop_duplicates(subset=names)
    for report in distinct.to_dict("records"):
        trial = int(report["trial"])
        who = losers.get((record.run_id, trial), [])
        rows.append(
            [
                named("+".join(record.spec["objectives"])),
                Cell(str(record.spec["seed"]), record.spec["seed"]),
                Cell(str(trial), trial),
                named(values_of(record, report)),
                Cell(str(len(who)), len(who)),
                named(", ".join(f"{name} after {epochs}" for name, epochs in who) or "none"),
                named(configuration(by_number[trial].config)),
            ]
        )
    return rows
