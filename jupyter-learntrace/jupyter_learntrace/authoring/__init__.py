"""`jupyter assignments`: the tags of a course's notebooks, for its authors."""
