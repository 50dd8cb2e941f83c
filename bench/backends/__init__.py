"""Where a run executes: real Ray."""
