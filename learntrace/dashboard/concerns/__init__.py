"""Concerns on pages: their cards, and what staff does with them."""
