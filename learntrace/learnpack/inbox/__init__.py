"""The inbox: which requests of LearnPack's clients are accepted, and the row that each one becomes."""
