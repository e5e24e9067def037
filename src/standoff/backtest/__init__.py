"""Backtests: which model would have foretold past crises best, on tables of them that the user keeps.

Nothing here knows a data set: a study is a mapping file (`studies/*.yaml`, or the user's own).

Reading order: `mapping` (what a mapping file may say), `study` (reads it), `conditions` (codes and rows), `files`
(found and read), `table` (files to rows), `splits` (who trains, who is tested), `features` (columns to numbers),
`models` (the models that know no game), `structure` (those that do), `climb` and `games` (their games), `scores`,
`selection` (outcomes that nobody coded), `run` (a study from end to end), `verdict` (what it says in words).
"""
