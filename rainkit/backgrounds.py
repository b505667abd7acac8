"""To be written: backgrounds."""
