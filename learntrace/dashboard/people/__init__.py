"""People of an academy: list, add, invite, import, archive, merge, cohorts and due dates."""
