"""From records to evidence: indicators of each run, estimates, comparisons and exports."""
