"""Forecasts: the model's own, those on record, and how good each was.

In reading order: `words` (what words of chance mean), `climatology` (how often it happens in past cases), `questions`
(what was asked), `model` (the model's own forecasts), `score`.
"""
