"""To be written: manifest."""
