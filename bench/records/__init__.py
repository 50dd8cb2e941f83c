"""What is kept of a run, and where: the record, its schema, files and folders."""
