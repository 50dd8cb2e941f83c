"""`mobo-bench` with parts of your own; takes the same arguments: ``python my_bench.py list``."""

from __future__ import annotations

from new_problem import ENTRY
from new_ranking import pareto_knee
from new_scheduler import plateau
from new_searcher import mutation

from bench.commands import main
from bench.matrix import catalogue, problems
from mobo_core.pareto import ranking

# The catalogue's tables are plain dictionaries. This stands outside of the guard below, as the
# processes of virtual time import this file and need the names too.
problems.PROBLEMS["logistic"] = ENTRY  # type: ignore[index]
catalogue.SCHEDULERS["plateau"] = plateau  # type: ignore[index]
catalogue.SEARCHERS["mutation"] = mutation  # type: ignore[index]
ranking.RANKINGS["pareto_knee"] = pareto_knee  # type: ignore[index]

if __name__ == "__main__":
    main.main()
