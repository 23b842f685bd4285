"""Charts as the numbers of an SVG."""
