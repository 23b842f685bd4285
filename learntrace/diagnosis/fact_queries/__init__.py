"""Gathering the facts: what each room knows of a learner and an asset."""
