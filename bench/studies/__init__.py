"""What is made of many runs: the gate, replays, recorded tables, timings of runs and of scale."""
