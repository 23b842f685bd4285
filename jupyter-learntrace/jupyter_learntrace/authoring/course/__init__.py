"""The notebooks of a course: finding them, listing their tags, and detecting copies and untagged exercises."""
