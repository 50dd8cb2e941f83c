"""Schedulers for Ray Tune: by stopping, by pausing, and scalarised ones of Ray."""
