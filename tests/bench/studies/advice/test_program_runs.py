"""The printed program runs as it is, on an experiment that nothing of this project has made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ray import tune

from bench.commands.main import cli

TRIALS, ITERATIONS, EVERY = 12, 9, 3
SPACE = {"rate": tune.loguniform(1e-4, 1e-1), "width": tune.choice([16, 32, 64])}


class Network(tune.Trainable):
    """A made-up training, which measures its accuracy in every third iteration."""

    def setup(self, config: dict[str, Any]) -> None:
        self.trained = 0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.trained = 0
        return True

    def step(self) -> dict[str, Any]:
        self.trained += 1
        report: dict[str, Any] = {"params": 100 * self.config["width"]}
        if self.trained % EVERY == 0:
            lost = (self.config["rate"] ** -0.3 + self.config["width"] ** 0.5) / 50
            report["accuracy"] = 1 - lost * self.trained**-0.3
        return report

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        Path(checkpoint_dir, "trained").write_text(str(self.trained))

    def load_checkpoint(self, checkpoint_dir: str | None) -> None:
        assert checkpoint_dir is not None
        self.trained = int(Path(checkpoint_dir, "trained").read_text())


@pytest.mark.ray
@pytest.mark.slow
def test_the_advised_program_runs(
    ray_session: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", raising=False)  # as users have it
    tune.Tuner(
        Network,
        param_space=SPACE,
        tune_config=tune.TuneConfig(num_samples=TRIALS, reuse_actors=True),
        run_config=tune.RunConfig(
            name="plain",
            verbose=0,
            storage_path=str(tmp_path),
            stop={"training_iteration": ITERATIONS},
        ),
    ).fit()
    objectives = ("--objective", "accuracy:max:0.1", "--objective", "params:min:10000:exact")
    options = ("--tolerance", "1", "--seeds", "6", "--processes", "1", "--out", str(tmp_path / "a"))
    done = CliRunner().invoke(cli, ["advise", str(tmp_path / "plain"), *objectives, *options])
    assert done.exception is None, done.output
    answer = json.loads((tmp_path / "a" / "advice.json").read_text("utf-8"))
    program = (tmp_path / "a" / "advised.py").read_text("utf-8")
    assert f'max_t={ITERATIONS}, time_attr="training_iteration"' in program
    monkeypatch.setattr("ray.train.constants.DEFAULT_STORAGE_PATH", str(tmp_path / "ray_results"))
    scope: dict[str, Any] = {"trainable": Network, "space": SPACE}
    exec(compile(program, "advised.py", "exec"), scope)
    results = scope["results"]
    assert (len(results), results.num_errors) == (TRIALS, 0)
    trained = [result.metrics["training_iteration"] for result in results]
    assert max(trained) == ITERATIONS
    saved = next(s for s in answer["schedulers"] if s["scheduler"] == answer["recommended"])
    whole = TRIALS * ITERATIONS
    assert sum(trained) < whole - 0.3 * saved["training_saved"]["value"] * whole
