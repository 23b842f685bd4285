"""Rejected events: retrying them, and their retention."""
