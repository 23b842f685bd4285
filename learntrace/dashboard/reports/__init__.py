"""Reports: a week, and cohorts side by side."""
