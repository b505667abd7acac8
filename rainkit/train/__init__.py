"""The only room that trains: networks, loop, metrics, evaluation.

`loop.train` makes a checkpoint of pairs, `evaluate.evaluate` judges methods on cases, `metrics` says what the numbers
are and `bootstrap` how certain. Modules that need torch import it; this one does not.
"""
