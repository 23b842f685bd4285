"""Reports over a span of days: who slipped, what was hard, what got easier, and cohorts side by side."""
