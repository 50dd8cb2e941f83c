"""Event files are read as TensorBoard's own writers make them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tensorboardX
from torch.utils.tensorboard import SummaryWriter

from bench.curves import reading
from bench.curves.options import SourceOptions
from bench.errors import UserError


def test_metrics_with_different_steps_and_a_restart(tmp_path: Path) -> None:
    for trial in range(2):
        folder = str(tmp_path / "logs" / f"run_{trial}")
        with tensorboardX.SummaryWriter(folder) as writer:
            writer.add_scalar("params", 1000 * (trial + 1), 0)
            for step in range(1200):  # more than TensorBoard keeps unless it is told to
                writer.add_scalar("train/loss", 1 / (step + 1), step, walltime=1000.0 + step)
            for step in (0, 600, 1199):
                writer.add_scalar("val/acc", step / 1200, step, walltime=1000.0 + step)
        with tensorboardX.SummaryWriter(folder, filename_suffix=".again") as writer:
            writer.add_scalar("val/acc", 0.75, 1199, walltime=5000.0)
    found = reading.read([str(tmp_path / "logs")], SourceOptions())
    assert (found.kind, found.name) == ("TensorBoard logs", "logs")
    first, second = found.curves
    assert (first.name, second.name) == ("run_0", "run_1")
    assert len(first.metrics["train/loss"]) == 1200
    assert first.metrics["val/acc"].steps.tolist() == [0, 600, 1199]
    assert first.metrics["val/acc"].values == pytest.approx([0, 0.5, 0.75])
    assert first.metrics["val/acc"].clock_s.tolist() == [1000, 1600, 5000]
    assert first.repeated == 1
    assert second.metrics["params"].values.tolist() == [2000]


def test_hyper_parameters_of_torch_belong_to_their_run(tmp_path: Path) -> None:
    for trial in range(2):
        with SummaryWriter(str(tmp_path / f"run_{trial}")) as writer:
            for step in range(3):
                writer.add_scalar("acc", 0.1 * step + trial, step)
            settings = {"rate": 0.1 * (trial + 1), "act": "relu", "norm": True}
            writer.add_hparams(settings, {"hparam/acc": 0.9})
    found = reading.read([str(tmp_path)], SourceOptions())
    assert [curve.name for curve in found.curves] == ["run_0", "run_1"]
    assert found.curves[1].config == {"rate": pytest.approx(0.2), "act": "relu", "norm": True}
    assert found.curves[1].constants == {"hparam/acc": pytest.approx(0.9)}
    assert set(found.curves[1].metrics) == {"acc"}


def test_the_curves_of_add_scalars_stay_apart(tmp_path: Path) -> None:
    for trial in range(2):
        with SummaryWriter(str(tmp_path / f"run_{trial}")) as writer:
            for step in range(3):
                writer.add_scalars("loss/all", {"train": 1.0, "val": 2.0 + trial}, step)
                writer.add_scalar("acc", 0.5, step)
    found = reading.read([str(tmp_path)], SourceOptions())
    assert [curve.name for curve in found.curves] == ["run_0", "run_1"]
    for trial, curve in enumerate(found.curves):
        last = {tag: float(values.values[-1]) for tag, values in curve.metrics.items()}
        assert last == {
            "acc": 0.5,
            "loss_all_train/loss/all": 1.0,
            "loss_all_val/loss/all": 2.0 + trial,
        }


def test_one_run_without_a_folder_of_its_own(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        for step in range(3):
            writer.add_scalars("loss", {"train": 1.0, "val": 2.0}, step)
            writer.add_scalar("acc", 0.5, step)
        writer.add_hparams({"rate": 0.1}, {"hparam/acc": 0.9})
    (curve,) = reading.read([str(tmp_path)], SourceOptions()).curves
    assert set(curve.metrics) == {"acc", "loss_train/loss", "loss_val/loss"}
    assert curve.config == {"rate": pytest.approx(0.1)}


@pytest.mark.parametrize("parts", [("train", "validation"), ("val", "test"), ("eval",)])
def test_folders_of_usual_names_are_parts_of_one_trial(
    tmp_path: Path, parts: tuple[str, ...]
) -> None:
    for trial in range(2):
        for place, part in enumerate(parts):  # as the callback of Keras does it
            with tensorboardX.SummaryWriter(str(tmp_path / f"run_{trial}" / part)) as writer:
                for epoch in range(3):
                    writer.add_scalar("epoch_loss", trial + place, epoch)
                    writer.add_scalar(f"only_{part}", 7, epoch)
    found = reading.read([str(tmp_path)], SourceOptions())
    assert [curve.name for curve in found.curves] == ["run_0", "run_1"]
    assert found.notes == (f"folders called {', '.join(sorted(parts))} are parts of a trial",)
    second = found.curves[1].metrics
    for place, part in enumerate(parts):
        tag = f"{part}/epoch_loss" if len(parts) > 1 else "epoch_loss"
        assert second[tag].values.tolist() == [1 + place] * 3
        assert f"only_{part}" in second


def test_a_metric_can_be_named_as_a_setting(tmp_path: Path) -> None:
    with tensorboardX.SummaryWriter(str(tmp_path / "run")) as writer:
        writer.add_scalar("width", 32, 0)
        writer.add_scalar("acc", float("nan"), 1)
    (curve,) = reading.read([str(tmp_path)], SourceOptions(config=("width",))).curves
    assert curve.config == {"width": 32}
    assert np.isnan(curve.metrics["acc"].values[0])


def test_without_tensorboard_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "events.out.tfevents.1").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "tensorboard.backend.event_processing", None)
    with pytest.raises(UserError, match=r"pip install 'mobo-bench\[tensorboard\]'"):
        reading.read([str(tmp_path)], SourceOptions())
    with pytest.raises(UserError, match="holds no event files"):
        reading.read([str(_empty(tmp_path))], SourceOptions(format="tensorboard"))


def _empty(folder: Path) -> Path:
    empty = folder / "empty"
    empty.mkdir()
    return empty
