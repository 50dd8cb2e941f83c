"""Searchers for Ray Tune: Ax, quasi-random points, Optuna, and suggestions made in advance."""
