"""The five screens of the report: each a question, its answer from the numbers, figures, a table, a note.

In reading order: `screen` (what a screen is made of), `ending`, `belief`, `views`, `deal`, `evidence`, `method`.
"""
