"""Imports of rosters through a page: upload, preview, apply and undo, in the background."""
