"""Read how learners, assignments, assets and cohorts are doing."""
