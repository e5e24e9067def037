"""The game as arrays: stages and moves, belief grids, logit response, backward induction, play; and as trees.

Reading order: `form` (the game's shape), `ladder` (the crisis ladder), `interpolate` and `response` (one decision),
`reach` (which states can be come to), `board` (a game laid out for the sweep), `sweep` (all rounds, backwards),
`against` (a view inside a view), `outcomes` (how it ends), `gradient` (what moves it), `lookup`, `sense` and `play`
(forwards: views meeting in a world), `simplex`, `many_response`, `many` and `many_outcomes` (more than two types a
side), `tree` (small games node by node), `stability` (ordinal preferences).
"""
