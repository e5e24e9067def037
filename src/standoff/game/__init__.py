"""The game as arrays: stages and moves, belief grids, logit response, backward induction, play.

Reading order: `form` (the game's shape), `interpolate` and `response` (one decision), `sweep` (all rounds,
backwards), `play` (forwards: one or two views meeting in a world).
"""
