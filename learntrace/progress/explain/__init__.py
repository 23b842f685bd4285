"""Explain how a number came about (`?explain=1`)."""
