"""The records of runs: their content, their schema, and the files and folders that hold them."""
