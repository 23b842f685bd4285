"""The webhook log: reading, searching, retrying, deleting and keeping it for so long."""
