"""Games small enough to write out node by node, solved exactly.

Reading order: `tree` (what a game is), `build` (in Python), `scan` and `efg` (Gambit's files), `known`, `classics`,
`attrition` and `closed` (games with known answers), `public` and `blocks` (what all see, and how it cuts the game),
`dense` and `newton` (one look at the equations), `path`, `branch` and `solved` (agent logit equilibria from precision
0 upwards), `regret`, `record` and `compose` (each side's strategy from its own tree, met in a true one), `hypergame`,
`gridded` and `unroll` (a belief-grid game written out as a tree).
"""
