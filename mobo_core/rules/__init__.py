"""Rules: decisions about trials from their reports, without Ray.

A rule is told each report of each trial and answers with a `Decision`. Schedulers of
`mobo_core.tune` carry the decisions out. The protocols and the paper's two rules can be imported
from here.
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
