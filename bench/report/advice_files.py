"""The files of an advice: a page, its text, the figure, the numbers and the program."""

from __future__ import annotations

from pathlib import Path

from bench.analysis.advice import Advice
from bench.errors import UserError
from bench.formatting import percent
from bench.records import files
from bench.report import advice_text, site
from bench.report.figures import drawing, plots_advice

PAGE, TEXT, NUMBERS, REPLAYS = "index.html", "advice.md", "advice.json", "replays.csv"
PROGRAM = "advised.py"
FILES = (PAGE, TEXT, NUMBERS, REPLAYS, PROGRAM, advice_text.FIGURE, "savings.pdf")
"""All files of an advice; one without a recommendation has no program."""


def write(advice: Advice, program: str | None, folder: Path) -> list[Path]:
    """Write an advice into a folder, which is created if it does not exist.

    Files of an earlier advice that this one does not have are removed.

    Args:
        advice: The advice.
        program: The program that uses the recommended scheduler; None without one.
        folder: The folder.

    Returns:
        The paths of the files, the page first.

    Raises:
        UserError: If the folder cannot be written to.
    """
    try:
        with files.staged_folder(folder) as staging:
            _write_all(advice, program, staging, folder)
            names = [name for name in FILES if (staging / name).exists()]
        for name in set(FILES) - set(names):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error}") from error
    return [folder / name for name in names]


def _write_all(advice: Advice, program: str | None, staging: Path, folder: Path) -> None:
    """Write everything into an empty folder; `folder` is its later place."""
    text = advice_text.to_markdown(advice, program)
    contents = {
        PAGE: site.document(text, folder),
        TEXT: text,
        NUMBERS: advice_text.to_json(advice, program) + "\n",
        **({PROGRAM: program} if program is not None else {}),
    }
    for name, content in contents.items():
        (staging / name).write_text(content, "utf-8")
    advice.replays.to_csv(staging / REPLAYS, index=False)
    if advice.outcomes:
        figure = plots_advice.savings(advice, headline(advice), advice_text.lines(advice)[0])
        drawing.save({Path(advice_text.FIGURE).stem: figure}, staging)


def headline(advice: Advice) -> str:
    """Return one plain sentence about the answer, without a full stop."""
    best = advice.recommended
    if best is None:
        limit = percent(advice.tolerance)
        if advice.too_few:
            return f"No recommendation: {advice.too_few.partition(': ')[0]}"
        return f"No scheduler that saves training surely keeps all but {limit} of the hypervolume"
    return (
        f"{best.scheduler} keeps {percent(1 - best.loss.value)} of the hypervolume with "
        f"{100 * (1 - best.steps_saved.value):.0f} % of the training"
    )
