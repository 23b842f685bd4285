"""Validation of events, and the reasons for which they are rejected."""
