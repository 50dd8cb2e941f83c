"""Learning curves that other tools have recorded, read from the files that those tools write."""
