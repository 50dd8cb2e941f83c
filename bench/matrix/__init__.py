"""The definition of runs: matrices, the catalogue of parts, problems, costs and limits."""
