"""The analysis of records: indicators of each run, estimates, comparisons and exports."""
