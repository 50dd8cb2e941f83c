"""Execute runs: the queue of runs, their preparation, and the backends Ray and virtual time."""
