"""Telemetry health: what arrives, what failed, the webhook log, ignore rules."""
