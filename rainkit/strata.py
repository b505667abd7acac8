"""To be written: strata."""
