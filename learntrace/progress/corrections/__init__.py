"""Correct what counts: excluded attempts, floors, and renames of steps."""
