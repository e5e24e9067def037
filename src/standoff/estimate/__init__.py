"""Estimation of strategic models on tables of past crises.

Reading order: `table`, `expressions` and `formulas` (from columns to payoffs); `normal`, `signaling`, `equilibria`,
`points` (the game and all its equilibria); `derivatives`, `choice`, `likelihood`, `climbing`, `reply_search`, `maximum`
(its exact likelihood, and the maximum); `played` (which equilibrium is played); `pseudo`, `first_stage` (PL and NPL);
`fit` (what comes out); `maximum_fit`, `pseudo_fit`, `estimation` (from a table to a fit); `search`, `density`, `walk`,
`modes`, `chains`, `bayes` (posteriors); `covariance`, `checks`, `effects`, `private`, `tables`, `store`, `learner`
(what a fit is asked); `strategic` (games in which nobody learns from a move).
"""
