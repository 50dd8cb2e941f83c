"""The survey: every scheduler on many data sets, in virtual time; the data set is the unit."""
