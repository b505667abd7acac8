"""A minimal trainer and evaluator that judge a corpus."""
