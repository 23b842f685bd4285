"""Connect: how LearnPack and notebooks send to an academy, a light for each, and sample data."""
