"""Reports of benchmark results: tables, figures, notes and the interactive page."""
