"""What is to be run: matrices, the catalogue of parts, problems, costs and limits."""
