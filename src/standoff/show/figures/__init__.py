"""Figures of the report, each a function from numbers to a `Drawing`.

In reading order: `drawing` (look, export), then by screen `endings`, `beliefs`, `scenarios`, `deal`, `sources`.
"""
