"""The code of docs/front.md runs, from the first block to the last one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mobo_core import ParetoFront

PAGE = Path(__file__).resolve().parents[2] / "docs" / "front.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def prepared_results() -> list[dict[str, Any]]:
    """Return reports with all metrics that the page names."""
    rng = np.random.default_rng(0)
    return [
        {
            "val": {"loss": 0.3 + rng.random() / 2},
            "params": 75 * units + 10,
            "latency": 5 + units / 4,
            "recall": 0.75 + rng.random() / 4,
            "config": {"units": units, "lr": float(10 ** rng.uniform(-4, -1))},
        }
        for units in rng.integers(4, 129, size=25).tolist()
    ]


@pytest.mark.filterwarnings("error")
def test_the_code_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(BLOCKS) == 4
    scope: dict[str, Any] = {"results": prepared_results()}
    found = []
    for block in BLOCKS:
        exec(compile(block, str(PAGE), "exec"), scope)
        if isinstance(front := scope.get("front"), ParetoFront):
            found.append(front)
    assert "of 25 trials are on the front" in capsys.readouterr().out
    assert len(found[1].left_out) > len(found[0].left_out)
    (live,) = scope["run_config"].callbacks
    assert live.numbers() == {"size": 0, "hypervolume": 0.0}
