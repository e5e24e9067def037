"""A game as people and programs play it: rules, seats, what each may see, and what is kept.

Reading order: `noise` (chance from a seed), `board` (a case as plain arrays), `solve` (from case to board; the only
module here that computes with JAX), `shelf` (boards and solved minds, kept), `mind` (one side's reading of the record),
`table` (one game in play), `advice` (what a mind expects), `schema` and `store` (on disk), `seats` (secret links and
limits), `refusal`, `sight` (what a role may see: the one door out), `keeper` (transactions, the clock),
`room` (what pages and the API call), `debrief`, `export`, `client` (a program at a seat), `env` (PettingZoo).
"""
