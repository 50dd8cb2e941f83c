"""Virtual time: Tune's own scheduler and searcher objects on a simulated cluster.

`simulate` does for a `Problem` with recorded or computed epochs what `tune.Tuner.fit` does for one
that is trained. It calls schedulers, searchers and callbacks in the order of Tune's controller. An
epoch's seconds pass on a simulated clock. The same arguments give the same run, bit for bit.
"""

from __future__ import annotations

from mobo_core.virtual.cluster import Cluster
from mobo_core.virtual.replaying import RecordedCurves, replay
from mobo_core.virtual.result import Simulation
from mobo_core.virtual.simulation import TUNE_AHEAD, simulate
from mobo_core.virtual.suggestions import InOrder
from mobo_core.virtual.trial import VirtualTrial

__all__ = [
    "TUNE_AHEAD",
    "Cluster",
    "InOrder",
    "RecordedCurves",
    "Simulation",
    "VirtualTrial",
    "replay",
    "simulate",
]
