"""Words for people that several rooms use."""
