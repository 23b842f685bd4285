"""The demos: an academy with learners who send the recorded requests of real clients, and a real class."""
