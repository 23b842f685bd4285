"""Connections: how many an address may hold open, and how long what they send may take."""
