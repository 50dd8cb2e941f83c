"""Schedulers for Ray Tune: some stop trials, some pause them, one scalarises the objectives."""
