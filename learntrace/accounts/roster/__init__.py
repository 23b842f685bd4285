"""Roster files: declarations of what should exist in an installation, parsed, checked and imported."""
