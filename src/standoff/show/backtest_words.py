"""What the models of a backtest are called in a narrow table, and what they are, in a sentence."""

from standoff.backtest.run import BASE, MIXED, PLAIN, REGRESSION, STRUCTURE

SHORT = {
    BASE: "base rate",
    REGRESSION: "regression",
    "boosting": "trees",
    STRUCTURE: "signaling",
    "signaling-within": "signaling + regression within",
    "strategic": "strategic probit",
    PLAIN: "regression of endings",
    MIXED: "average",
}
"""Heads of columns, in the order of a table."""
ABOUT = {
    BASE: "The share of yes among the training cases.",
    REGRESSION: "Logistic, on all known columns, with a ridge whose strength training crises left out choose.",
    "boosting": "Gradient-boosted trees on all known columns; their number is chosen likewise.",
    STRUCTURE: (
        "The crisis-signaling game by exact maximum likelihood, given that a threat was made, with a prior around 0 on "
        "the coefficients, whose width is chosen likewise. It forecasts the ending; a yes is the share of yes among "
        "training cases of that ending."
    ),
    "signaling-within": "The same, with a regression of the answer within each ending in the place of the share.",
    "strategic": "The target concedes or resists, then the sender stands firm or backs down; nobody learns (egame12).",
    PLAIN: "A multinomial logit of the endings on all known columns: the detour by the endings without a game.",
    MIXED: "The mean of the log odds of the logistic regression and the signaling game.",
}
"""A sentence for each model that the library knows."""
