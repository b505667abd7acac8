"""To be written: recipe."""
