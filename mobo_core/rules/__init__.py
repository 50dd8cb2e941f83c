"""Rules: decisions about trials, made from their reports, without Ray.

A rule receives each report of each trial and returns a `Decision`. The schedulers of
`mobo_core.tune` carry the decisions out. The protocols and the paper's two rules can be imported
from here. The other rules are in `mobo_core.rules.halving` and `mobo_core.rules.projection`.
"""

from mobo_core.rules.rule import (
    Decision,
    PaperDominanceRule,
    PaperRungwiseRule,
    PromotionRule,
    RungLadder,
    StoppingRule,
)

__all__ = [
    "Decision",
    "PaperDominanceRule",
    "PaperRungwiseRule",
    "PromotionRule",
    "RungLadder",
    "StoppingRule",
]
