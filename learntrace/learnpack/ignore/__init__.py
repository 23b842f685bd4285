"""Ignore rules: matching, storing an academy's rules, and a preview of their effect."""
