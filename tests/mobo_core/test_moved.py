"""The old import paths of moved modules still work for one release, with a warning."""

from __future__ import annotations

import importlib
import sys

import pytest


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("mobo_core.halving", "mobo_core.rules.halving", "HalvingRule"),
        ("mobo_core.indicators", "mobo_core.pareto.indicators", "hypervolume"),
        ("mobo_core.projection", "mobo_core.rules.projection", "ProjectionSettings"),
        ("mobo_core.ranking", "mobo_core.pareto.ranking", "RANKINGS"),
    ],
)
def test_an_old_path_leads_to_the_new_module(
    old: str, new: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=f"^{old} has moved: import {new} instead") as seen:
        module = importlib.import_module(old)
    assert len(seen) == 1
    assert getattr(module, name) is getattr(importlib.import_module(new), name)
    with pytest.raises(AttributeError, match="unheard_of"):
        _ = module.unheard_of
