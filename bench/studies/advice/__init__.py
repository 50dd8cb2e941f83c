"""Advice from curves that people already have: which scheduler would have saved how much."""
