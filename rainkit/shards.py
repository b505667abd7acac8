"""To be written: shards."""
