"""The audit log: who changed, took away or read what, when and from where. `recording.record` is the one way in."""
