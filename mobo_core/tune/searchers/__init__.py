"""Searchers for Ray Tune: Ax, quasi-random, Optuna, and suggestions made ahead."""
