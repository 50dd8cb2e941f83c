"""Commands that need no Ray: ``mobo-bench replay | record | regress | scale``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

import click

from bench.errors import UserError
from bench.matrix import files, matrix
from bench.terminal import console

# Each command imports the heavy packages that it needs, so that --help is quick.

EXIT_REGRESSION = 1


@click.command()
@click.argument("curves", metavar="CURVES", type=click.Path(path_type=Path))
@click.option("--matrix", "matrix_name", default="schedulers", show_default=True)
@click.option("--dataset", metavar="NAME", default="mnist", show_default=True)
@click.option("--draws", type=click.IntRange(min=1), default=30, show_default=True)
@click.option(
    "--trials", type=click.IntRange(min=1), help="Trials per draw.  [default: the matrix's]"
)
@click.option(
    "--slots",
    default="2,5",
    show_default=True,
    help="Trials at the same time; several values separated by commas.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write every draw as a row of this CSV file."
)
def replay(
    curves: Path,
    matrix_name: str,
    dataset: str,
    draws: int,
    trials: int | None,
    slots: str,
    out: Path | None,
) -> None:
    """Replay recorded full curves through the schedulers of a matrix, without training.

    CURVES is a results folder, whose FIFO runs are used, or a CSV or Parquet file. A draw picks
    as many of the curves as a run has trials. Every scheduler gets the same draws and runs them
    in virtual time.

    \b
    Columns: medians over the draws, against FIFO, unless they say otherwise.
      epochs saved, time saved   training only: suggestions and checkpoints cost nothing here
      oracle saves               the most that can be saved without losing hypervolume
      hypervolume                change of the observed hypervolume: median, mean and worst
      front lost, resumes        means: members of FIFO's front that ended early; resumed trials
      cover 50, cover 90         for hv-promotion: share of the ended trials that would have been
                                 no better than its median projection, and its 0.9 projection

    \b
    Examples:
      mobo-bench replay results/reference/schedulers-mnist
      mobo-bench replay curves.csv --slots 2,5 --draws 30 --out replay.csv
    """
    widths = _counts("--slots", slots)
    chosen = files.load_matrix(matrix_name).with_budget(trials=trials)
    from bench import formatting
    from bench.matrix import catalogue
    from bench.records import files as writing
    from bench.studies import replays

    catalogue.check_names(chosen)
    if out is not None:
        writing.check_writable(out)  # before the minutes that the replays may take
    pool = replays.read_pool(curves)
    cell = next(chosen.with_dataset(dataset).cells())
    problem = catalogue.make_problem(cell, "data", pool.seconds.shape[1])
    pool, left_out = replays.usable(pool, problem, chosen)
    if left_out:
        console.print(f"{formatting.count(left_out, 'curve')} left out: not finite in every epoch")
    rows = replays.replay_matrix(pool, chosen, problem, draws, widths)
    if out is not None:
        with writing.staged(out) as staging:
            rows.to_csv(staging, index=False)
    title = f"{draws} draws of {chosen.budget.trials} of {len(pool)} curves"
    console.print(formatting.rich_table(replays.summarise(rows), title))


@click.command()
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--problem", "problem_name", default="mlp", show_default=True)
@click.option("--dataset", metavar="NAME", default="mnist", show_default=True)
@click.option("--data-dir", default="data", show_default=True)
@click.option(
    "--max-epochs",
    type=click.IntRange(min=1),
    help="Epochs of a curve.  [default: 8, or those that the data set's own table has]",
)
@click.option(
    "--values",
    metavar="NAME=COUNT",
    multiple=True,
    default=("learning_rate=12", "dropout=3"),
    show_default=True,
    help="Number of values of a parameter's range; may be repeated for each parameter.",
)
@click.option("--seeds", default="2", show_default=True, help="Training seeds, as in 'run'.")
@click.option(
    "--references",
    type=click.Choice(["problem", "table"]),
    default="problem",
    show_default=True,
    help="The objectives' reference values: the problem's own, or the table's 0.9 quantiles.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Number of processes.  [default: all cores]"
)
def record(
    out: Path,
    problem_name: str,
    dataset: str,
    data_dir: str,
    max_epochs: int | None,
    values: tuple[str, ...],
    seeds: str,
    references: Literal["problem", "table"],
    workers: int | None,
) -> None:
    """Train a grid of configurations and write their curves to the table OUT (Parquet).

    Each curve is saved when it is trained, so the same command continues an interrupted one. The
    table's card, OUT.json, and the folder OUT.parts lie beside OUT. The folder may be deleted when
    the command is done.

    \b
    Examples:
      mobo-bench record mlp-mnist.parquet --data-dir ~/data
      mobo-bench record small.parquet --dataset digits --values learning_rate=4 --values dropout=2
      mobo-bench record wine.parquet --problem learner --dataset mlp-sgd-wine
    """
    seed_list = matrix.parse_seeds(seeds)
    sizes = {}
    for text in values:
        name, _, count = text.partition("=")
        if not count.isdigit():
            raise UserError(f"bad --values {text!r}: give a name and a number, like dropout=3")
        sizes[name] = int(count)
    from bench.matrix import problems
    from bench.studies import recorder

    epochs = max_epochs or problems.epochs_of(problem_name, dataset)
    problem = problems.make(problem_name, dataset, str(Path(data_dir).resolve()), epochs)
    plan = recorder.Plan(recorder.grid_of(problem.space, sizes), seed_list, references)
    recorder.record(problem, plan, out, workers or len(os.sched_getaffinity(0)), console)
    console.print(f"wrote {out}", markup=False)


@click.command()
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    default=Path("results/reference/regress.json"),
    show_default=True,
)
@click.option("--update", is_flag=True, help="Write a new reference instead of comparing.")
@click.option("--reason", default="", help="Why the reference changes; required with --update.")
@click.option("--seeds", help="Seeds of a new reference, as in 'run'.  [default: 10]")
@click.option("--processes", type=click.IntRange(min=1), help="[default: all cores]")
def regress(
    reference: Path, update: bool, reason: str, seeds: str | None, processes: int | None
) -> None:
    """Compare every scheduler with the reference, in virtual time; exit status 1 if one got worse.

    The command makes every run of the matrix 'gate' twice. It fails if a cell's speed-up against
    FIFO falls, or its hypervolume gap grows, by more than the margins in the reference, or if a run
    does not repeat bit for bit.

    \b
    Examples:
      mobo-bench regress
      mobo-bench regress --update --reason "promotion: ties go to the older trial"
    """
    if update and not reason.strip():
        raise UserError("--update requires a --reason, which is kept in the reference")
    if not update and (reason or seeds):
        raise UserError(
            "--reason and --seeds are for --update; a comparison uses the reference's seeds"
        )
    seed_list = matrix.parse_seeds(seeds or "10")
    from bench import formatting
    from bench.records import files as writing
    from bench.studies import gate

    expected = {} if update else gate.read_reference(reference)
    if update:
        writing.check_writable(reference)
    seed_list = expected.get("seeds", seed_list)
    fixed = gate.fixed_matrix()
    with console.status("running the matrix twice"):
        measured = gate.measure(fixed, seed_list, processes, "data")
    title = f"against FIFO, {formatting.count(len(seed_list), 'seed')}"
    console.print(formatting.rich_table(gate.summary(measured), title))
    failures = [f"{run_id}: did not repeat bit for bit" for run_id in measured.unequal]
    if not update:
        failures += [str(c) for c in gate.compare(fixed, measured, expected) if c.fails]
    for failure in failures:
        console.print(f"FAILED {failure}", markup=False, style="red")
    if failures:
        sys.exit(EXIT_REGRESSION)
    if update:
        gate.write_reference(fixed, measured, seed_list, reason, reference)
        console.print(f"wrote {reference}", markup=False)
    else:
        console.print(f"{len(measured.cells)} cells: no scheduler got worse")


@click.command()
@click.option(
    "--scheduler",
    "schedulers",
    metavar="NAME",
    multiple=True,
    default=("fifo", "moasha-stopping", "moasha-promotion"),
    show_default=True,
    help="A scheduler of the catalogue; may be repeated.",
)
@click.option(
    "--trials", default="1000,10000", show_default=True, help="Values separated by commas."
)
@click.option(
    "--workers", default="1,5,64,512,4096", show_default=True, help="Values separated by commas."
)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--max-growth",
    metavar="RATIO",
    type=float,
    help="Exit with status 1 if the largest number of trials takes more than this many times as "
    "long as the smallest.",
)
def scale(
    schedulers: tuple[str, ...],
    trials: str,
    workers: str,
    repeats: int,
    max_growth: float | None,
) -> None:
    """Time virtual runs: results per second, memory, and growth with the number of trials.

    \b
    Examples:
      mobo-bench scale
      mobo-bench scale --scheduler hv-promotion --trials 100,1000 --workers 64
      mobo-bench scale --workers 64 --max-growth 13
    """
    counts, widths = _counts("--trials", trials), _counts("--workers", workers)
    if max_growth is not None and len(set(counts)) < 2:
        raise UserError("--max-growth compares numbers of trials: give at least two with --trials")
    import pandas as pd

    from bench import formatting
    from bench.matrix import catalogue
    from bench.studies import scale as timing

    components = [matrix.Component(name, name, {}) for name in schedulers]
    for component in components:
        catalogue.find_scheduler(component.name)
    rows: list[dict[str, float | str]] = []
    for done in timing.measured(components, sorted(set(counts)), widths, repeats):
        rows += done
        last = done[-1]
        console.print(
            f"[{len(rows) // len(done)}/{len(components) * len(widths)}] {last['scheduler']}, "
            f"{formatting.count(int(last['workers']), 'worker')}: {last['results/s']:,.0f} "
            f"results/s in {formatting.count(int(last['trials']), 'trial')}",
            markup=False,
        )
    measured = pd.DataFrame(rows)
    console.print(formatting.rich_table(measured, "virtual runs"))
    if len(set(counts)) < 2:
        return
    growth = timing.growth(measured)
    console.print(formatting.rich_table(growth, "growth"))
    if max_growth is not None and (growth["time ratio"] > max_growth).any():
        console.print(f"FAILED: a time ratio is above {max_growth:g}", style="red")
        sys.exit(EXIT_REGRESSION)


def _counts(option: str, text: str) -> list[int]:
    """Return the whole numbers, each at least 1, that an option lists.

    Raises:
        UserError: If the text is no such list.
    """
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise UserError(f"bad {option} {text!r}: give a list of whole numbers like 2,5")
    return numbers


@click.command()
@click.option("--update", is_flag=True, help="Write the fingerprints instead of comparing them.")
@click.option("--data-dir", default="data", show_default=True, help="Where data are looked for.")
def fingerprint(update: bool, data_dir: str) -> None:
    """Compare a few trainings and suggestions with committed ones; exit status 1 if they differ.

    A difference means that this machine, or its packages, give other results for the same seed.
    With MNIST and the surrogates in --data-dir, two more parts are compared.

    \b
    Examples:
      mobo-bench fingerprint
      MOBO_BENCH_INSTRUCTIONS=native mobo-bench fingerprint
      mobo-bench fingerprint --update --data-dir ~/data
    """
    from bench.studies import fingerprints

    with console.status("training and suggesting"):
        comparison = fingerprints.compare(data_dir)
    console.print(f"vector instructions: {comparison.used}", markup=False)
    for name, found in comparison.found.items():
        same = "other" if name in comparison.differing else "as committed"
        state = same if comparison.expected else "none committed"
        line = f"{name:16} {found['sha256'][:16]}  {state:14} {found['values']}"
        console.print(line, markup=False)
    if update:
        fingerprints.update(comparison)
        console.print(f"wrote {fingerprints.COMMITTED}", markup=False)
    elif explanation := comparison.explained():
        console.print(explanation, markup=False, style="red")
        sys.exit(EXIT_REGRESSION)
