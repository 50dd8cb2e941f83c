"""Studies of many runs: the CI gate, replays, recorded tables, and timings."""
