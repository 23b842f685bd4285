"""Reads a notebook's text, edits it byte for byte, and writes it back."""
