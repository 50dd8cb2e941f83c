"""From a run to its record: the queue of runs, their preparation and the two backends."""
