"""The library without its extras: what needs none of them works, the rest names its extra.

`tests/versions/contract.py` tests the same in an environment that has nothing else. Here the
optional packages are hidden from a new process, which is quick.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import mobo_core
from mobo_core.extras import needs

ROOT = Path(mobo_core.__file__).parents[1]
OPTIONAL = [
    "ax",
    "botorch",
    "gpytorch",
    "lightning",
    "linear_operator",
    "matplotlib",
    "onnxruntime",
    "optuna",
    "plotly",
    "seaborn",
    "sklearn",
    "torch",
    "torchvision",
]
HIDE = f"""
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def run(code: str) -> str:
    """Return what a program prints whose process has none of the optional packages."""
    result = subprocess.run(
        [sys.executable, "-c", HIDE + textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_search_runs_without_the_extras() -> None:
    out = run(
        """
        from ray import tune
        from mobo_core import Objective, ObjectiveSet
        from mobo_core.tune import PromotionMOASHA, SobolSearcher
        from mobo_core.virtual import InOrder, RecordedCurves, simulate

        objectives = ObjectiveSet([Objective("loss", "min", 9), Objective("cost", "min", 9)])
        searcher = SobolSearcher({"x": tune.uniform(0, 1)}, seed=1)
        configs = [searcher.suggest(str(number)) for number in range(8)]
        curves = [
            [{"loss": 1 - c["x"] * t / 4, "cost": c["x"]} for t in range(1, 5)] for c in configs
        ]
        problem = RecordedCurves(curves, configs)
        scheduler = PromotionMOASHA(
            objectives, max_t=4, reduction_factor=2, slots=2, time_attr="epoch"
        )
        run = simulate(
            problem, searcher=InOrder(problem.configs), scheduler=scheduler, num_samples=8
        )
        print(len(run.trials), run.reports < 8 * 4, scheduler.resumes > 0)
        """
    )
    assert out.split() == ["8", "True", "True"]


TEST_FUNCTION = """
from mobo_core.problems.synthetic import SyntheticProblem
problem = SyntheticProblem("zdt1")
problem.start(problem.space.from_unit([0.5] * len(problem.space)), seed=1)
"""


@pytest.mark.parametrize(
    ("statement", "user", "extra"),
    [
        ("from mobo_core.tune import AxSearcher", "mobo_core.tune.AxSearcher", "ax"),
        ("from mobo_core.tune import *", "mobo_core.tune.AxSearcher", "ax"),
        ("from mobo_core.problems.mlp import MLPProblem", "mobo_core.problems", "problems"),
        (TEST_FUNCTION, "mobo_core.problems.synthetic", "ax"),
    ],
)
def test_what_is_missing_is_one_line_that_names_the_extra(
    statement: str, user: str, extra: str
) -> None:
    out = run(
        f"""
        try:
            exec({statement!r})
        except ImportError as error:
            print(error)
        """
    )
    (line,) = out.splitlines()
    assert line.startswith(user)
    assert line.endswith(f": pip install 'mobo-bench[{extra}]'")


def test_schedulers_load_nothing_that_is_slow_beside_ray() -> None:
    # Ray Tune itself takes most of the time. What it does not load, a scheduler must not load.
    code = """
        import sys
        import ray.tune
        before = set(sys.modules)
        from mobo_core.tune import HypervolumePromotion, StoppingMOASHA
        print(*{name.partition(".")[0] for name in set(sys.modules) - before})
        print("scipy.stats" in sys.modules)
        """
    loaded, stats = run(code).splitlines()
    assert not set(loaded.split()) & {*OPTIONAL, "pandas", "pymoo", "numba"}
    assert stats == "False"


def test_a_fault_of_our_own_is_no_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"mobo_core\.absent"), needs("ax", "this test"):
        import mobo_core.absent  # type: ignore[import-not-found]  # noqa: F401


def test_help_shows_what_can_be_used() -> None:
    shown = run(
        """
        import pydoc
        import mobo_core.plot, mobo_core.tune
        print(pydoc.render_doc(mobo_core.tune), pydoc.render_doc(mobo_core.plot))
        """
    )
    assert "SobolSearcher" in shown
    assert "pip install 'mobo-bench[plot]'" in shown
