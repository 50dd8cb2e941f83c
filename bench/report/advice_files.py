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


def write(advice: Advice, program: str | None, folder: Path) -> list[Path]:
    """Write an advice into a folder, which is created if it does not exist.

    Args:
        advice: The advice.
        program: The program that uses the recommended scheduler; None without one.
        folder: The folder.

    Returns:
        The paths of the files, the page first.

    Raises:
        UserError: If the folder cannot be written to.
    """
    text = advice_text.to_markdown(advice, program)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        figure = plots_advice.savings(advice, headline(advice), advice_text.lines(advice)[0])
        drawing.save({Path(advice_text.FIGURE).stem: figure}, folder)
        advice.replays.to_csv(folder / REPLAYS, index=False)
        contents = {
            PAGE: site.document(text, folder),
            TEXT: text,
            NUMBERS: advice_text.to_json(advice, program) + "\n",
            **({PROGRAM: program} if program is not None else {}),
        }
        for name, content in contents.items():
            files.write_text(folder / name, content)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error}") from error
    return [folder / name for name in (*contents, advice_text.FIGURE, REPLAYS)]


def headline(advice: Advice) -> str:
    """Return one plain sentence about the answer, without a full stop."""
    best = advice.recommended
    if best is None:
        limit = percent(advice.tolerance)
        return advice.too_few or f"No scheduler surely keeps all but {limit} of the hypervolume"
    return (
        f"{best.scheduler} keeps {percent(1 - best.loss.value)} of the hypervolume with "
        f"{100 * (1 - best.steps_saved.value):.0f} % of the training"
    )
