"""Virtual time: Tune's own scheduler and searcher objects on a simulated cluster.

`simulate` is to a `Problem` whose epochs are recorded or computed what `tune.Tuner.fit` is to one
that is trained: it calls schedulers, searchers and callbacks as Tune's controller does, in the
same order, and an epoch's seconds pass on a clock of events. The same arguments give the same
run, bit for bit.
"""

from __future__ import annotations

from mobo_core.virtual.cluster import Cluster
from mobo_core.virtual.replaying import RecordedCurves, replay
from mobo_core.virtual.simulation import TUNE_AHEAD, simulate
from mobo_core.virtual.simulator import Simulation
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
