"""Class now: which learners need help, and on what."""
