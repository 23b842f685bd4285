"""The demo: an academy of its own, at work with the recorded requests of real clients."""
