"""Write activities from the sources, and the measures that follow from them."""
