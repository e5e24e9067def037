"""Strategic models without learning: discrete games of two or three moves, and the ultimatum game.

Reading order: `links` (laws of shocks), `games` and `ultimatum` (chances of what was done), `file` (formula files),
`climb` and `starts` (maximum likelihood), `estimate` (fit and predict), `compare` (one model against another).
"""

from standoff.estimate.strategic.estimate import fit as fit
