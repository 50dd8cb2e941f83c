"""Fingerprints of a few trainings and suggestions, to be compared from machine to machine.

A fingerprint is the SHA-256 of numbers that must not depend on the machine: two short trainings by
PyTorch, one by scikit-learn, the first suggestions of Ax's model, and, where the data are there, a
training on MNIST and a curve of a surrogate. The committed file has those of one or more vector
instructions; see `bench.instructions`.
"""

from __future__ import annotations

import json
import logging
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import instructions
from bench.errors import UserError
from bench.records import environment, files
from mobo_core.objectives import ObjectiveSet
from mobo_core.problems import images
from mobo_core.problems.protocol import Problem
from mobo_core.seeding import digest

COMMITTED = Path(__file__).with_suffix(".json")
PACKAGES = (
    *("torch", "numpy", "scipy", "scikit-learn", "ax-platform", "botorch", "gpytorch"),
    "onnxruntime",
)
"""The packages whose version can change a fingerprint."""
SOBOL_TRIALS, MODEL_TRIALS = 5, 3
LIGHT = {"num_restarts": 2, "raw_samples": 32}
"""Options of the acquisition optimiser, so that suggestions take a second or two."""

Fingerprint = dict[str, Any]
"""``sha256`` of all numbers, and some of them to read under ``values``."""


@dataclass(frozen=True)
class Comparison:
    """The fingerprints of this machine beside the committed ones.

    Args:
        used: The vector instructions of this process.
        found: Name → fingerprint, as computed here.
        expected: Name → committed fingerprint of the same instructions; empty if there are none.
        versions: Package → version, of the packages here.
        committed_versions: Package → version, of those that made the committed fingerprints.
    """

    used: str
    found: Mapping[str, Fingerprint]
    expected: Mapping[str, Fingerprint]
    versions: Mapping[str, str]
    committed_versions: Mapping[str, str]

    @property
    def differing(self) -> list[str]:
        """The names whose fingerprints differ from the committed ones, or are not committed."""
        return [
            name
            for name, fingerprint in self.found.items()
            if self.expected.get(name, {}).get("sha256") != fingerprint["sha256"]
        ]

    def explained(self) -> str:
        """Return in one line what differs and why that may be; empty if nothing does."""
        if not self.expected:
            return (
                f"no fingerprints are committed for the vector instructions {self.used!r}; results "
                "of this machine may differ from the reference results in every digit"
            )
        if not self.differing:
            return ""
        packages = [
            f"{name} {version} instead of {self.committed_versions.get(name)}"
            for name, version in self.versions.items()
            if version != self.committed_versions.get(name)
        ]
        shown = [
            f"{name}: {self.found[name]['values']} instead of "
            f"{self.expected.get(name, {}).get('values')}"
            for name in self.differing
        ]
        return (
            f"with the vector instructions {self.used!r} on a processor with "
            f"{instructions.available()}, {'; '.join(shown)}; other packages: "
            f"{', '.join(packages) or 'none'}"
        )


def compare(data_dir: str, path: Path = COMMITTED) -> Comparison:
    """Compute all fingerprints and read the committed ones.

    Args:
        data_dir: The folder with MNIST and the surrogates; what is missing there is left out.
        path: The committed file.

    Raises:
        UserError: If the file cannot be read.
    """
    committed = _read(path)
    used = instructions.in_force()
    return Comparison(
        used,
        make(data_dir),
        committed["fingerprints"].get(used, {}),
        _versions(),
        committed["versions"],
    )


def make(data_dir: str) -> dict[str, Fingerprint]:
    """Return name → fingerprint of all parts whose data are there.

    Args:
        data_dir: The folder with MNIST and the surrogates.
    """
    return {name: part() for name, part in _parts(data_dir).items()}


def update(comparison: Comparison, path: Path = COMMITTED) -> None:
    """Write fingerprints to the committed file, in place of those of the same instructions.

    Those of other instructions stay if the packages are the same. Parts whose data were missing
    here stay, too.

    Raises:
        UserError: If the file cannot be read or written.
    """
    committed = _read(path)
    same = dict(comparison.versions) == committed["versions"]
    fingerprints = committed["fingerprints"] if same else {}
    fingerprints[comparison.used] = {**fingerprints.get(comparison.used, {}), **comparison.found}
    document = {"versions": dict(comparison.versions), "fingerprints": fingerprints}
    try:
        files.write_text(path, json.dumps(document, indent=1) + "\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
        return {key: dict(document[key]) for key in ("versions", "fingerprints")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} has no fingerprints ({error}); restore it from the repository"
        ) from error


def _versions() -> dict[str, str]:
    found = environment.capture().versions
    return {name: found[name] for name in PACKAGES}


def _parts(data_dir: str) -> dict[str, Callable[[], Fingerprint]]:
    from mobo_core.problems.learners import LearnerProblem  # these imports take seconds
    from mobo_core.problems.mlp import MLPProblem
    from mobo_core.problems.yahpo import YAHPOProblem

    digits, trees = MLPProblem("digits"), LearnerProblem("boosting-digits")
    adam = LearnerProblem("mlp-adam-digits")
    parts: dict[str, Callable[[], Fingerprint]] = {
        "mlp-digits": lambda: _curve(digits, 3, "val_loss"),
        "mlp-adam-digits": lambda: _curve(adam, 3, "val_loss"),
        "boosting-digits": lambda: _curve(trees, 3, "val_loss"),
        "ax-suggestions": _suggestions,
    }
    if images.mnist_on_disk(data_dir):
        mnist = MLPProblem("mnist", data_dir)
        parts["mlp-mnist"] = lambda: _curve(mnist, 1, "val_loss")
    if Path(data_dir, "yahpo", "lcbench", "model.onnx").is_file():
        surrogate = YAHPOProblem("lcbench", "167185", data_dir)
        parts["lcbench-167185"] = lambda: _curve(surrogate, 50, "val_loss")
    return parts


def _curve(problem: Problem, epochs: int, shown: str) -> Fingerprint:
    """Return the fingerprint of the first epochs of the middle of a search space."""
    middle = problem.space.from_unit(np.full(len(problem.space), 0.5))
    training = problem.start(middle, seed=1)
    reports = [training.run_epoch() for _ in range(epochs)]
    training.close()
    rows = [{k: v for k, v in report.items() if k != "seconds"} for report in reports]
    return {"sha256": digest(rows), "values": [row[shown] for row in rows[:3]]}


def _suggestions() -> Fingerprint:
    """Return the fingerprint of the first suggestions that Ax's model makes."""
    from mobo_core.problems.mlp import MLPProblem
    from mobo_core.tune import AxSearcher

    problem = MLPProblem("digits")
    objectives = ObjectiveSet([problem.objectives[name] for name in ("acc", "params")])
    searcher = AxSearcher(
        objectives,
        problem.space,
        seed=1,
        initialization_trials=SOBOL_TRIALS,
        time_attr="epoch",
        max_t=problem.max_epochs,
        optimizer_options=LIGHT,
    )
    suggested = []
    logging.disable(logging.WARNING)  # the model has few points, which BoTorch remarks on
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for index in range(SOBOL_TRIALS + MODEL_TRIALS):
                config = searcher.suggest(str(index))
                assert isinstance(config, dict), "the space has more configurations"
                suggested.append(config)
                searcher.on_trial_complete(str(index), _pretended(problem, config))
    finally:
        logging.disable(logging.NOTSET)
    ours = suggested[SOBOL_TRIALS:]
    return {"sha256": digest(ours), "values": [config["learning_rate"] for config in ours]}


def _pretended(problem: Any, config: Mapping[str, Any]) -> dict[str, float]:
    """Return a made-up last report that has a best learning rate and dropout."""
    distance = abs(math.log10(config["learning_rate"]) + 2.5)
    return {
        "val_accuracy": 0.95 - 0.02 * distance - 0.1 * config["dropout"],
        "params": problem.static_metrics(config)["params"],
        "epoch": problem.max_epochs,
    }
