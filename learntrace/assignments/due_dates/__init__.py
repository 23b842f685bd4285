"""Due dates: until when a cohort is to have done an asset, with extensions for single learners."""
