"""Raised hands: learners ask for help, and staff sees them among the concerns."""
