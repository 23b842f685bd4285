"""`make attack`: attacks on a running copy of our own, and whether each is held."""
