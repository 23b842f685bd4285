"""The embedded PostgreSQL: binaries, layout, locks, its life and who may use it."""
