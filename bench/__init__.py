"""The benchmark harness: a matrix of cells, run on a backend, recorded, reported."""
