"""Concerns: what staff sees and handles as one entry, and what is told of them."""
