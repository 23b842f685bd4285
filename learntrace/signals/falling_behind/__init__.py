"""Falling behind, a signal that compares a learner with the class: the queue of comparisons and its queries."""
