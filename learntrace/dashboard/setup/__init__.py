"""The set-up page of a new server, and the first academy of an operator who has none."""
