"""Games small enough to write out node by node, solved exactly.

Reading order: `tree` (what a game is), `efg` (reading and writing Gambit's files), `known` (games with known
answers), `branch` (agent logit equilibria from precision 0 upwards), `compose` (each side's strategy from its own
tree, met in a true one).
"""
