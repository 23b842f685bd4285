"""Learners: how each does over all assignments."""
