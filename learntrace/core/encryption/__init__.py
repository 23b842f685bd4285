"""Secrets in the database, encrypted with a key that isn't in it."""
