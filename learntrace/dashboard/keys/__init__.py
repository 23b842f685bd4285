"""Keys of an academy's people and programs."""
