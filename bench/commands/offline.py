"""Commands that need no Ray: ``mobo-bench replay | record | regress | scale``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from bench.errors import UserError
from bench.matrix import matrix
from bench.terminal import console

# As in `bench.commands.main`, everything heavy is imported by the command that needs it.

EXIT_REGRESSION = 1


@click.command()
@click.argument("curves", metavar="CURVES", type=click.Path(path_type=Path))
@click.option("--matrix", "matrix_name", default="schedulers", show_default=True)
@click.option("--dataset", metavar="NAME", default="mnist", show_default=True)
@click.option("--draws", type=click.IntRange(min=1), default=30, show_default=True)
@click.option("--trials", type=click.IntRange(min=1), help="Per draw, instead of the matrix's.")
@click.option("--slots", default="2,5", show_default=True, help="Trials at a time, a list.")
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

    CURVES is a results folder, of which the FIFO runs are taken, or a CSV or Parquet file. Each
    draw takes as many curves as a run has trials, the same for every scheduler, and runs them
    through the scheduler in virtual time.

    \b
    Columns, against FIFO, median over the draws unless named otherwise:
      epochs saved, time saved   training only; suggestions, saving and loading cost nothing here
      oracle                     what knowing FIFO's final front would save: more costs hypervolume
      HV median, mean, worst     change of the observed hypervolume
      front lost, resumes        means: members of FIFO's front ended early, loads of checkpoints
      cover 50, cover 90         hv-promotion: ended trials that would have ended no better than
                                 its median and 0.9 projection

    \b
    Examples:
      mobo-bench replay results/reference/schedulers-mnist
      mobo-bench replay curves.csv --slots 2,5 --draws 30 --out replay.csv
    """
    widths = _counts("--slots", slots)
    chosen = matrix.load_matrix(matrix_name).with_budget(trials=trials)
    from bench import formatting
    from bench.matrix import catalogue
    from bench.studies import replays

    pool = replays.read_pool(curves)
    cell = next(chosen.with_dataset(dataset).cells())
    problem = catalogue.make_problem(cell, "data", pool.seconds.shape[1])
    rows = replays.replay_matrix(pool, chosen, problem, draws, widths)
    if out is not None:
        rows.to_csv(out, index=False)
    title = f"{draws} draws of {chosen.budget.trials} of {len(pool)} curves"
    console.print(formatting.rich_table(replays.summarise(rows), title))


@click.command()
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--problem", "problem_name", default="mlp", show_default=True)
@click.option("--dataset", metavar="NAME", default="mnist", show_default=True)
@click.option("--data-dir", default="data", show_default=True)
@click.option("--max-epochs", type=click.IntRange(min=1), default=8, show_default=True)
@click.option(
    "--values",
    metavar="NAME=COUNT",
    multiple=True,
    default=("learning_rate=12", "dropout=3"),
    show_default=True,
    help="How many values of a range; repeat for each.",
)
@click.option("--seeds", default="2", show_default=True, help="Training seeds, as in 'run'.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: all cores]")
def record(
    out: Path,
    problem_name: str,
    dataset: str,
    data_dir: str,
    max_epochs: int,
    values: tuple[str, ...],
    seeds: str,
    workers: int | None,
) -> None:
    """Train a grid of configurations and write their curves to the table OUT (Parquet).

    What is trained is kept at once: the same command goes on where it was cut. Beside OUT lie its
    card, OUT.json, and OUT.parts, which may be deleted when it is done.

    \b
    Examples:
      mobo-bench record mlp-mnist.parquet --data-dir ~/data
      mobo-bench record small.parquet --dataset digits --values learning_rate=4 --values dropout=2
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

    problem = problems.make(problem_name, dataset, str(Path(data_dir).resolve()), max_epochs)
    grid = recorder.grid_of(problem.space, sizes)
    cores = workers or len(os.sched_getaffinity(0))
    recorder.record(problem, grid, seed_list, out, cores, console)
    console.print(f"wrote {out}", markup=False)


@click.command()
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    default=Path("results/reference/regress.json"),
    show_default=True,
)
@click.option("--update", is_flag=True, help="Write a new reference instead of comparing.")
@click.option("--reason", default="", help="Why the reference changes; needed with --update.")
@click.option("--seeds", help="Of a new reference, as in 'run'.  [default: 10]")
@click.option("--processes", type=click.IntRange(min=1), help="[default: all cores]")
def regress(
    reference: Path, update: bool, reason: str, seeds: str | None, processes: int | None
) -> None:
    """Compare every scheduler with the reference, in virtual time; exit status 1 if one got worse.

    Every run of the matrix 'gate' is made twice, in virtual time. It fails when a cell's speed-up
    against FIFO falls, or its hypervolume gap grows, beyond the margins of the reference, or when a
    run does not repeat bit for bit.

    \b
    Examples:
      mobo-bench regress
      mobo-bench regress --update --reason "promotion: ties go to the older trial"
    """
    if update and not reason.strip():
        raise UserError("--update needs a --reason: it is kept in the reference")
    if not update and (reason or seeds):
        raise UserError("--reason and --seeds are for --update; a comparison takes the reference's")
    seed_list = matrix.parse_seeds(seeds or "10")
    from bench import formatting
    from bench.studies import gate

    expected = {} if update else gate.read_reference(reference)
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
    help="Of the catalogue; repeat for each.",
)
@click.option("--trials", default="1000,10000", show_default=True, help="A list.")
@click.option("--workers", default="1,5,64,512,4096", show_default=True, help="A list.")
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--max-growth",
    metavar="RATIO",
    type=float,
    help="Exit with status 1 if the time for the most trials is more than so many times that for "
    "the fewest.",
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
        raise UserError("--max-growth compares numbers of trials: give --trials two or more")
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
    """A list of whole numbers of at least 1.

    Raises:
        UserError: If it is none.
    """
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise UserError(f"bad {option} {text!r}: give a list of whole numbers like 2,5")
    return numbers
