"""Members who see some cohorts of their academy only."""
