"""`check`: findings on a course's tags, and automatic fixes."""
