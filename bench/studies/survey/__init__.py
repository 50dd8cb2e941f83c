"""Surveys: simulate the same schedulers on many data sets, and measure every run alike.

`fronts` has what is known of each data set before any run, `measures` measures a run against it,
`simulating` simulates the runs of one data set, and `running` makes a whole survey.
"""
