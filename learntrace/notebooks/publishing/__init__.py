"""Published notebooks: their assets and assignments, and the events on tags that no notebook has."""
