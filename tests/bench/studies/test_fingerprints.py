"""Trainings and suggestions are the committed ones on whatever machine the tests run."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.studies import fingerprints
from bench.studies.fingerprints import Comparison

ONE = {"curve": {"sha256": "a" * 64, "values": [0.5]}}
OTHER = {"curve": {"sha256": "b" * 64, "values": [0.25]}}
SAME = Comparison("AVX2", ONE, ONE, {"torch": "2"}, {"torch": "2"})


def test_curves_and_suggestions_are_the_committed_ones() -> None:
    comparison = fingerprints.compare(os.environ.get("DATA_DIR", "data"))
    if not comparison.expected:
        pytest.skip(comparison.explained())
    assert not comparison.differing, comparison.explained()


def test_the_committed_file_has_every_part_for_avx2() -> None:
    document = json.loads(fingerprints.COMMITTED.read_text("utf-8"))
    parts = {"mlp-digits", "mlp-adam-digits", "boosting-digits", "ax-suggestions"}
    assert set(document["fingerprints"]["AVX2"]) == parts | {"mlp-mnist", "lcbench-167185"}


def test_a_difference_is_explained_in_one_line() -> None:
    assert SAME.explained() == ""
    line = replace(SAME, found=OTHER, versions={"torch": "3"}).explained()
    assert "vector instructions 'AVX2' on a processor with " in line
    assert "curve: [0.25] instead of [0.5]" in line
    assert "other packages: torch 3 instead of 2" in line
    assert "no fingerprints are committed" in replace(SAME, expected={}).explained()


def test_an_update_keeps_what_other_machines_found(tmp_path: Path) -> None:
    path = tmp_path / "fingerprints.json"
    path.write_text('{"versions": {"torch": "2"}, "fingerprints": {"AVX2": {"mnist": {}}}}')
    fingerprints.update(replace(SAME, used="native AVX-512"), path)
    fingerprints.update(replace(SAME, found=OTHER), path)
    written = json.loads(path.read_text())["fingerprints"]
    assert written == {"AVX2": {"mnist": {}, **OTHER}, "native AVX-512": ONE}
    # With other packages the old ones mean nothing.
    fingerprints.update(replace(SAME, versions={"torch": "3"}), path)
    assert json.loads(path.read_text()) == {
        "versions": {"torch": "3"},
        "fingerprints": {"AVX2": ONE},
    }


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fingerprints.json"
    path.write_text("{}")
    with pytest.raises(UserError, match="has no fingerprints"):
        fingerprints.update(SAME, path)
