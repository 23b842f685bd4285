"""Assignments: how a class does on each, and the attempts of each learner."""
