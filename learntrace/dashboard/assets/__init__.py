"""Assets: statistics over days, steps, learners."""
