"""To be written: pipeline."""
