"""Figures over a range of times: what is kept of a learner on an assignment, recounted where the range cuts through it."""
