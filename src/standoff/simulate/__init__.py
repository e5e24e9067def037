"""From case to results: draws of its numbers, arrays for each view, ensembles, the record, what is stored.

Reading order: `draws`, `setup` (the one door from case to arrays), `payoffs`, `record`, `ensemble`, `results`.
"""
