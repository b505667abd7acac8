"""Studies: a grid of corpora, networks, seeds and steps, trained and compared by paired differences.

`load.load_study` reads a study, `grid.expand` makes its runs, `running.run_study` builds, trains and judges what is not
yet done, `differences` and `verdict` compare, `summary` tabulates; figures are drawn by `rainkit.report.study`.
"""
