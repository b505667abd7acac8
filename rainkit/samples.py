"""To be written: samples."""
