"""My learning: a learner's own progress, what is collected about the learner, export and erasure."""
