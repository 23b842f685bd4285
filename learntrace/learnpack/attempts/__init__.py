"""Making activities, which measures and signals read, from LearnPack's documents and streaming events."""
