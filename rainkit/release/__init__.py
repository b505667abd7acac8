"""What turns shards into a release: card, indexes, checksums, verify, diff, rebuild."""
